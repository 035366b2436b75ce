/* The epochs of a VM as its primary sees them: what may be cut, sent and released, and what follows a loss. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/epoch/primary_states.h"

#include <assert.h>

#define NOT_YET UINT64_MAX

static const struct state states_table[PRIMARY_STATES] = {
	[PRIMARY_ALONE] = { "alone", STATE_BIT(PRIMARY_BASE) },
	[PRIMARY_BASE] = { "base", STATE_BIT(PRIMARY_RUNNING) | STATE_BIT(PRIMARY_ALONE) |
	                                   STATE_BIT(PRIMARY_WAITING) },
	[PRIMARY_RUNNING] = { "running", STATE_BIT(PRIMARY_WAITING) },
	[PRIMARY_WAITING] = { "waiting", STATE_BIT(PRIMARY_RUNNING) | STATE_BIT(PRIMARY_BASE) |
	                                         STATE_BIT(PRIMARY_ALONE) },
};

static bool is_in(const struct primary_states *states, enum primary_state state)
{
	return states->machine.current == state;
}

static void assert_primary(const struct primary_states *states)
{
	assert(states->acked <= states->sent && states->sent <= states->cut);
	assert(!is_in(states, PRIMARY_RUNNING) || (states->is_held && !states->is_broken));
	assert(!is_in(states, PRIMARY_WAITING) || states->is_held);
	assert(!is_in(states, PRIMARY_ALONE) || !states->is_held);
}

void primary_states_init(struct primary_states *states, const char *who, uint64_t last,
                         bool is_held)
{
	assert(last > 0);
	*states = (struct primary_states){
		.is_held = is_held,
		.is_broken = is_held, /* what it had captured is gone */
		.cut = last,
		.sent = last,
		.acked = last,
		.first = NOT_YET,
	};
	machine_init(&states->machine, states_table, is_held ? PRIMARY_WAITING : PRIMARY_ALONE,
	             who);
}

uint64_t primary_states_open(const struct primary_states *states)
{
	return states->cut + 1;
}

/* From nothing: the base is numbered as the last epoch that was cut, which nobody has. */
static unsigned int begin_base(struct primary_states *states, const char *cause)
{
	states->is_broken = states->is_ended = states->is_base_acked = false;
	states->rounds = 0;
	states->first = NOT_YET;
	states->base = states->sent = states->acked = states->cut;
	machine_move(&states->machine, PRIMARY_BASE, cause);
	assert_primary(states);
	return PRIMARY_ATTACH;
}

unsigned int primary_states_hello(struct primary_states *states, bool is_same, uint64_t their_last)
{
	bool has_ours = is_same && their_last >= states->acked && their_last <= states->sent &&
	                their_last >= states->first;

	assert(is_in(states, PRIMARY_ALONE) || is_in(states, PRIMARY_WAITING));
	if (is_in(states, PRIMARY_ALONE))
		return begin_base(states, "a standby is there");
	if (states->is_broken || !has_ours)
		return begin_base(states, "a standby is there, with nothing in common");
	states->acked = states->sent = their_last;
	machine_move(&states->machine, PRIMARY_RUNNING, "the standby is back");
	assert_primary(states);
	return PRIMARY_FORGET | PRIMARY_RELEASE;
}

/* The connection is of no use any more. What is held stays so. */
static unsigned int lose(struct primary_states *states, const char *cause)
{
	bool is_base = is_in(states, PRIMARY_BASE);

	if (is_base && !states->is_held) {
		machine_move(&states->machine, PRIMARY_ALONE, cause);
		return PRIMARY_DETACH;
	}
	states->is_broken = states->is_broken || is_base;
	if (!is_in(states, PRIMARY_WAITING))
		machine_move(&states->machine, PRIMARY_WAITING, cause);
	assert_primary(states);
	return 0;
}

unsigned int primary_states_lost(struct primary_states *states)
{
	return is_in(states, PRIMARY_ALONE) ? 0 : lose(states, "the standby is gone");
}

unsigned int primary_states_nack(struct primary_states *states)
{
	if (!is_in(states, PRIMARY_BASE) && !is_in(states, PRIMARY_RUNNING))
		return PRIMARY_CLOSE;
	states->is_broken = true;
	return PRIMARY_CLOSE | lose(states, "the standby has refused an epoch");
}

unsigned int primary_states_fault(struct primary_states *states)
{
	if (is_in(states, PRIMARY_ALONE))
		return 0;
	states->is_broken = true;
	return PRIMARY_CLOSE | lose(states, "the VM could not be captured");
}

unsigned int primary_states_ack(struct primary_states *states, uint64_t epoch)
{
	if (is_in(states, PRIMARY_BASE) && states->is_ended && epoch == states->base &&
	    !states->is_base_acked) {
		states->is_base_acked = true;
		return PRIMARY_FORGET;
	}
	if (!is_in(states, PRIMARY_RUNNING) || epoch <= states->acked || epoch > states->sent)
		return PRIMARY_CLOSE | primary_states_lost(states);
	states->acked = epoch;
	assert_primary(states);
	return PRIMARY_FORGET | PRIMARY_RELEASE;
}

unsigned int primary_states_solo(struct primary_states *states)
{
	unsigned int asked = states->is_held ? PRIMARY_FREE : 0;

	if (is_in(states, PRIMARY_RUNNING))
		asked |= PRIMARY_CLOSE | lose(states, "solo");
	states->is_held = false;
	if (is_in(states, PRIMARY_WAITING)) {
		machine_move(&states->machine, PRIMARY_ALONE, "solo");
		asked |= PRIMARY_DETACH;
	}
	assert_primary(states);
	return asked;
}

unsigned int primary_states_due(struct primary_states *states, bool is_small)
{
	if (is_in(states, PRIMARY_RUNNING))
		return PRIMARY_CUT;
	if (!is_in(states, PRIMARY_BASE))
		return 0;
	if (!states->is_ended) {
		states->is_ended = is_small || ++states->rounds == PRIMARY_ROUNDS_MAX;
		return states->is_ended ? PRIMARY_END : PRIMARY_CUT;
	}
	if (!states->is_base_acked)
		return 0;
	states->is_held = true;
	states->first = primary_states_open(states);
	machine_move(&states->machine, PRIMARY_RUNNING, "the base is there");
	assert_primary(states);
	return PRIMARY_HOLD | PRIMARY_CUT;
}

unsigned int primary_states_more(struct primary_states *states)
{
	return is_in(states, PRIMARY_BASE) && !states->is_ended ? PRIMARY_CUT : 0;
}

void primary_states_cut(struct primary_states *states)
{
	states->cut++;
	/* Rounds are parts of the base. */
	if (is_in(states, PRIMARY_BASE))
		states->sent = states->acked = states->cut;
	assert_primary(states);
}

void primary_states_sent(struct primary_states *states, uint64_t epoch)
{
	assert(epoch == states->sent + 1 && epoch <= states->cut);
	states->sent = epoch;
}

unsigned int primary_states_in_flight(const struct primary_states *states)
{
	return (unsigned int)(states->cut - states->acked);
}
