/* The lease of the primary and the window of the standby, from beats and their replies. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "fencing/arbiter/private.h"

/*
 * Both are counted from moments that lie before what the other host counts from, whatever is lost or
 * late: the lease from when a beat was *sent* whose reply has come; the window from when a reply was
 * *sent* that the primary says it has. So the primary's right has ended before a standby that waits a
 * lease from its last reply looks again, and the window has ended before a primary that waits a window from
 * the last reply it got does.
 */

void arbiter_beats_begin(struct arbiter *arbiter)
{
	arbiter->sent = arbiter->heard = 0;
	arbiter->beat_at = 0;
	arbiter->lease_until = 0;
	arbiter->window_end = 0;
	arbiter->acked_at = arbiter->heard_at = arbiter->replied_at = arbiter->now;
}

static void send(struct arbiter *arbiter, enum action_kind kind, struct arbiter_actions *actions)
{
	struct arbiter_action *action = arbiter_act(actions, kind);

	arbiter->sent++;
	arbiter->beat_times[arbiter->sent % ARBITER_BEATS] = arbiter->now;
	action->right = arbiter->record.right;
	action->number = arbiter->sent;
	action->heard = arbiter->heard;
}

/* Whether the number is one of those sent whose time is still known. */
static bool is_remembered(const struct arbiter *arbiter, uint64_t number)
{
	return number > 0 && number <= arbiter->sent && arbiter->sent - number < ARBITER_BEATS;
}

void arbiter_beat(struct arbiter *arbiter, struct arbiter_actions *actions)
{
	if (arbiter->beat_at > arbiter->now)
		return;
	arbiter->beat_at = arbiter->now + ARBITER_TICK;
	send(arbiter, ACTION_BEAT, actions);
}

void arbiter_take_reply(struct arbiter *arbiter, const struct arbiter_event *event)
{
	uint64_t sent_at;

	if (right_compare(event->right, arbiter->record.right) != 0 ||
	    !is_remembered(arbiter, event->heard) || event->number <= arbiter->heard)
		return;
	sent_at = arbiter->beat_times[event->heard % ARBITER_BEATS];
	arbiter->heard = event->number;
	arbiter->heard_at = arbiter->now;
	if (sent_at >= arbiter->acked_at) {
		arbiter->acked_at = sent_at;
		arbiter->lease_until = sent_at + arbiter->config.lease;
	}
}

void arbiter_take_beat(struct arbiter *arbiter, const struct arbiter_event *event,
                       struct arbiter_actions *actions)
{
	uint64_t end;

	if (right_compare(event->right, arbiter->record.right) != 0 ||
	    event->number <= arbiter->heard || event->heard > arbiter->sent)
		return;
	arbiter->heard = event->number;
	arbiter->heard_at = arbiter->now;
	if (is_remembered(arbiter, event->heard)) {
		end = arbiter->beat_times[event->heard % ARBITER_BEATS] + arbiter->config.window;
		if (end > arbiter->window_end)
			arbiter->window_end = end;
	}
	arbiter->replied_at = arbiter->now;
	send(arbiter, ACTION_REPLY, actions);
}
