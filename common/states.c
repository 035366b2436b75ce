/* State machines as tables: who may follow whom, and one function that moves. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "common/states.h"

#include <assert.h>
#include <stdio.h>

#include "common/log.h"

void machine_init(struct machine *machine, const struct state *states, unsigned int first,
                  const char *who)
{
	machine->states = states;
	machine->current = first;
	snprintf(machine->who, sizeof(machine->who), "%s", who);
}

bool machine_may_move(const struct machine *machine, unsigned int to)
{
	return machine->states[machine->current].next & STATE_BIT(to);
}

void machine_move(struct machine *machine, unsigned int to, const char *cause)
{
	assert(machine_may_move(machine, to));
	log_info("%s: %s -> %s (%s)", machine->who, machine->states[machine->current].name,
	         machine->states[to].name, cause);
	machine->current = to;
}

const char *machine_state_name(const struct machine *machine)
{
	return machine->states[machine->current].name;
}
