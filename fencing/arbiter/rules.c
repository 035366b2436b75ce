/* The proofs of arbitration: what must be known before a host goes on alone or takes over (I5, I6). */
/* SPDX-License-Identifier: Apache-2.0 */

#include "fencing/arbiter/private.h"

#define MILLION 1000000ull

/* A wait that is long enough by the other host's clock, too. */
static uint64_t stretched(const struct arbiter *arbiter, uint64_t wait)
{
	return wait + wait / MILLION * arbiter->config.rate_error + arbiter->config.margin;
}

/* A host that slept has an old view of the cluster, and needs as long as others to learn better. */
bool arbiter_is_awake(const struct arbiter *arbiter)
{
	return arbiter->now >= arbiter->awake_since + arbiter->config.view_lag;
}

bool arbiter_has_lease(const struct arbiter *arbiter)
{
	return arbiter->now < arbiter->lease_until;
}

static bool word_is(const struct arbiter *arbiter, enum situation situation)
{
	return arbiter->word.situation == situation;
}

bool arbiter_is_superseded(const struct arbiter *arbiter)
{
	return (word_is(arbiter, SITUATION_SOLO) || word_is(arbiter, SITUATION_REPLICATING) ||
	        word_is(arbiter, SITUATION_HANDED)) &&
	       arbiter->word.right.generation > arbiter->record.right.generation;
}

/* By time alone only one side may decide: the standby in a partition that has quorum, or we in ours,
 * if ours had it, unbroken, since before the standby could have begun. */
static bool quorum_is_unbroken(const struct arbiter *arbiter)
{
	/* The risk that was accepted is a cut, not that this host sleeps while it is taken over from. */
	if (!arbiter->config.quorum_decides)
		return arbiter->config.risk_accepted &&
		       arbiter->awake_since + arbiter->config.view_lag <=
		               arbiter->acked_at + arbiter->config.lease;
	return arbiter->is_quorate && arbiter_is_awake(arbiter) &&
	       arbiter->unbroken_since + arbiter->config.view_lag <=
	               arbiter->acked_at + arbiter->config.lease;
}

/* The peer is off now; it must not have taken over before, either. Without quorum its only way to that
 * was to fence us. */
static bool fencing_decides(const struct arbiter *arbiter)
{
	if (!arbiter->is_fenced)
		return false;
	if (!arbiter->config.quorum_decides)
		return true;
	return quorum_is_unbroken(arbiter) &&
	       arbiter->now >= arbiter->fenced_at + arbiter->config.view_lag;
}

bool arbiter_may_go_solo(const struct arbiter *arbiter, const char **cause)
{
	if (word_is(arbiter, SITUATION_OUTDATED) &&
	    right_compare(arbiter->word.right, arbiter->record.right) >= 0)
		*cause = "the standby is outdated by its own word";
	else if (arbiter->wants_solo)
		*cause = "ordered by the operator";
	else if (!arbiter_is(arbiter, ARBITER_HOLDING))
		return false; /* what was handed over comes back only by word or order */
	else if (fencing_decides(arbiter))
		*cause = "the standby is fenced";
	else if (quorum_is_unbroken(arbiter) &&
	         arbiter->now >= arbiter->heard_at + stretched(arbiter, arbiter->config.window))
		*cause = "the standby's window is over";
	else
		return false;
	return true;
}

bool arbiter_window_is_over(const struct arbiter *arbiter)
{
	return arbiter->now > arbiter->window_end;
}

static bool lease_of_primary_is_over(const struct arbiter *arbiter)
{
	uint64_t wait = arbiter->config.lease + arbiter->config.enforcement;

	return arbiter->now >= arbiter->replied_at + stretched(arbiter, wait);
}

bool arbiter_may_take_over(const struct arbiter *arbiter, const char **cause)
{
	bool has_quorum = arbiter->is_quorate && arbiter_is_awake(arbiter);

	if (arbiter_window_is_over(arbiter))
		return false;
	if (word_is(arbiter, SITUATION_HANDED) &&
	    right_compare(arbiter->word.right, arbiter->record.right) == 0)
		*cause = "the primary has handed over";
	else if (!arbiter_is(arbiter, ARBITER_ALONE) || arbiter->is_peer_present)
		return false;
	else if (has_quorum && arbiter->is_fenced)
		*cause = "the primary is fenced";
	else if ((arbiter->config.quorum_decides ? has_quorum : arbiter->config.risk_accepted) &&
	         lease_of_primary_is_over(arbiter))
		*cause = "the primary's lease is over";
	else
		return false;
	return true;
}

/* Before the first confirmed reply there is no window that could be over, only silence. */
static bool is_silent_for_a_window(const struct arbiter *arbiter)
{
	return arbiter->window_end || arbiter->now > arbiter->heard_at + arbiter->config.window;
}

/* A standby steps back for good: too late, asked to, or the primary went on without it. */
bool arbiter_must_mark(const struct arbiter *arbiter, const char **cause)
{
	bool is_primary = word_is(arbiter, SITUATION_SOLO) ||
	                  word_is(arbiter, SITUATION_REPLICATING);

	if (word_is(arbiter, SITUATION_SOLO) &&
	    right_compare(arbiter->word.right, arbiter->record.right) >= 0)
		*cause = "the primary went on alone";
	else if (is_primary && arbiter->is_asked &&
	         right_compare(arbiter->word.right, arbiter->record.right) >= 0)
		*cause = "the primary asked for it";
	else if (arbiter_window_is_over(arbiter) && is_silent_for_a_window(arbiter))
		*cause = "the window is over";
	else
		return false;
	return true;
}

bool arbiter_may_fence(const struct arbiter *arbiter)
{
	uint64_t since = arbiter->heard_at;

	if (arbiter_is(arbiter, ARBITER_ALONE))
		since += arbiter->config.fence_delay;
	return arbiter->config.has_agent && arbiter->is_quorate && arbiter_is_awake(arbiter) &&
	       !arbiter->is_peer_present && !arbiter->is_fencing && !arbiter->is_fenced &&
	       arbiter->now >= since && arbiter->now >= arbiter->retry_at;
}
