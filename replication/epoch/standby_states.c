/* The epochs of a VM as its standby sees them: what it takes, what it has, and when it may take over. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/epoch/standby_states.h"

#include <assert.h>
#include <errno.h>

static const struct state states_table[STANDBY_STATES] = {
	[STANDBY_EMPTY] = { "empty", STATE_BIT(STANDBY_BASE) },
	[STANDBY_BASE] = { "base", STATE_BIT(STANDBY_READY) | STATE_BIT(STANDBY_EMPTY) },
	[STANDBY_READY] = { "ready", STATE_BIT(STANDBY_BROKEN) | STATE_BIT(STANDBY_BASE) |
	                                     STATE_BIT(STANDBY_EMPTY) | STATE_BIT(STANDBY_ACTIVE) },
	[STANDBY_BROKEN] = { "broken", STATE_BIT(STANDBY_READY) | STATE_BIT(STANDBY_BASE) |
	                                       STATE_BIT(STANDBY_EMPTY) },
	[STANDBY_ACTIVE] = { "active", 0 },
};

static bool is_in(const struct standby_states *states, enum standby_state state)
{
	return states->machine.current == state;
}

static void assert_standby(const struct standby_states *states)
{
	assert(states->committed <= states->whole);
	assert(!states->staging || states->staging > states->whole);
	assert(!is_in(states, STANDBY_EMPTY) || (!states->whole && !states->staging));
	assert(!is_in(states, STANDBY_READY) || states->whole);
}

void standby_states_init(struct standby_states *states, const char *who)
{
	*states = (struct standby_states){ 0 };
	machine_init(&states->machine, states_table, STANDBY_EMPTY, who);
}

uint64_t standby_states_last(const struct standby_states *states)
{
	return is_in(states, STANDBY_READY) || is_in(states, STANDBY_ACTIVE) ? states->whole : 0;
}

static void forget(struct standby_states *states)
{
	states->whole = states->committed = states->staging = 0;
}

int standby_states_begin(struct standby_states *states, uint64_t series, uint64_t epoch,
                         uint64_t base, bool is_base, bool *drops)
{
	*drops = is_base && base == 0;
	if (is_in(states, STANDBY_ACTIVE) || epoch == 0 || (states->staging && !*drops))
		return -EPROTO;
	if (*drops) {
		forget(states);
		if (!is_in(states, STANDBY_BASE))
			machine_move(&states->machine, STANDBY_BASE, "a base begins");
		states->series = series;
	} else if (is_base || series != states->series || base != states->whole || base == 0 ||
	           epoch <= base || is_in(states, STANDBY_BROKEN)) {
		return -EPROTO;
	}
	states->staging = epoch;
	states->is_base = is_base;
	assert_standby(states);
	return 0;
}

void standby_states_whole(struct standby_states *states)
{
	assert(states->staging);
	states->whole = states->staging;
	states->staging = 0;
	if (states->is_base)
		states->committed = states->whole; /* it was applied as it came */
	else if (is_in(states, STANDBY_BASE))
		machine_move(&states->machine, STANDBY_READY, "an epoch is whole");
	assert_standby(states);
}

void standby_states_drop(struct standby_states *states, const char *cause)
{
	states->staging = 0;
	if (!is_in(states, STANDBY_BASE))
		return;
	forget(states);
	machine_move(&states->machine, STANDBY_EMPTY, cause);
}

void standby_states_committed(struct standby_states *states, uint64_t epoch)
{
	assert(epoch > states->committed && epoch <= states->whole);
	states->committed = epoch;
	if (is_in(states, STANDBY_BROKEN))
		machine_move(&states->machine, STANDBY_READY, "what could not be committed was");
}

void standby_states_commit_failed(struct standby_states *states)
{
	if (!is_in(states, STANDBY_BROKEN))
		machine_move(&states->machine, STANDBY_BROKEN, "an epoch cannot be committed");
	states->staging = 0;
}

void standby_states_outdate(struct standby_states *states)
{
	assert(!is_in(states, STANDBY_ACTIVE));
	forget(states);
	if (!is_in(states, STANDBY_EMPTY))
		machine_move(&states->machine, STANDBY_EMPTY, "outdated");
}

int standby_states_may_activate(const struct standby_states *states)
{
	if (is_in(states, STANDBY_ACTIVE))
		return -EALREADY;
	return is_in(states, STANDBY_READY) || is_in(states, STANDBY_BROKEN) ? 0 : -ENODATA;
}

void standby_states_activate(struct standby_states *states)
{
	assert(is_in(states, STANDBY_READY) && states->committed == states->whole);
	states->staging = 0;
	machine_move(&states->machine, STANDBY_ACTIVE, "activated");
}
