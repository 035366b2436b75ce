/* State machines as tables: who may follow whom, and one function that moves. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef COMMON_STATES_H
#define COMMON_STATES_H

#include <stdbool.h>
#include <stdint.h>

#define STATE_BIT(state) (1u << (state))

struct state {
	const char *name;
	uint32_t next; /* STATE_BIT of each state that may follow */
};

struct machine {
	const struct state *states;
	unsigned int current;
	char who[48]; /* named in every log line */
};

void machine_init(struct machine *machine, const struct state *states, unsigned int first,
                  const char *who);

bool machine_may_move(const struct machine *machine, unsigned int to);

/* The only place where the state changes; it logs from, to and cause. A move that the table does not
 * allow is a bug of the caller and stops the program. */
void machine_move(struct machine *machine, unsigned int to, const char *cause);

const char *machine_state_name(const struct machine *machine);

#endif
