/* From state to state: what each asks of the caller on entry, and what makes it go on. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "fencing/arbiter/private.h"

#include <assert.h>

#define MOVES_MAX 8 /* that one event can set off; more is a circle */

/* --- writing: a state that writes stays until its record is durable, and tries again --- */

static bool is_written(struct arbiter *arbiter, enum situation situation, struct right right,
                       struct arbiter_actions *actions)
{
	if (arbiter->is_writing)
		return false;
	if (arbiter->record.situation == situation &&
	    right_compare(arbiter->record.right, right) == 0)
		return true;
	if (arbiter->now >= arbiter->retry_at)
		arbiter_write(arbiter, situation, right, actions);
	return false;
}

static bool go(struct arbiter *arbiter, enum arbiter_state to, const char *cause,
               struct arbiter_actions *actions)
{
	arbiter_move(arbiter, to, cause, actions);
	return true;
}

static bool drop(struct arbiter *arbiter, struct right mark, const char *cause,
                 struct arbiter_actions *actions)
{
	arbiter->mark = mark;
	return go(arbiter, ARBITER_DROPPING, cause, actions);
}

static bool give_way(struct arbiter *arbiter, struct arbiter_actions *actions)
{
	arbiter_alarm(actions, ALARM_DROPPED);
	return drop(arbiter, arbiter->word.right, "a higher generation runs", actions);
}

/* The peer is asked now and again for as long as its word would help. */
static void ask(struct arbiter *arbiter, struct arbiter_actions *actions)
{
	if (arbiter->now < arbiter->ask_at || !arbiter->is_peer_present)
		return;
	arbiter->ask_at = arbiter->now + ARBITER_ASK;
	arbiter_say(arbiter, true, actions);
}

static void fence(struct arbiter *arbiter, struct arbiter_actions *actions)
{
	if (!arbiter_may_fence(arbiter))
		return;
	arbiter->is_fencing = true;
	arbiter_act(actions, ACTION_FENCE);
}

static void answer(struct arbiter *arbiter, struct arbiter_actions *actions)
{
	if (!arbiter->is_asked)
		return;
	arbiter->is_asked = false;
	arbiter_say(arbiter, false, actions);
}

/* --- the primary --- */

static bool step_idle(struct arbiter *arbiter, struct arbiter_actions *actions)
{
	answer(arbiter, actions);
	return false;
}

static bool step_cold(struct arbiter *arbiter, struct arbiter_actions *actions)
{
	if (arbiter_is_superseded(arbiter))
		return give_way(arbiter, actions);
	if (arbiter->is_running)
		return go(arbiter, ARBITER_SOLO, "started from its disk", actions);
	answer(arbiter, actions);
	if (!arbiter->is_starting && arbiter->is_quorate && arbiter_is_awake(arbiter) &&
	    arbiter->now >= arbiter->retry_at) {
		arbiter->is_starting = true;
		arbiter_act(actions, ACTION_START);
	}
	return false;
}

static bool can_be_standby(const struct arbiter *arbiter)
{
	return arbiter->is_peer_present && arbiter->has_word &&
	       (arbiter->word.situation == SITUATION_NONE ||
	        arbiter->word.situation == SITUATION_OUTDATED);
}

static bool step_solo(struct arbiter *arbiter, struct arbiter_actions *actions)
{
	const struct record *word = &arbiter->word;

	if (arbiter_is_superseded(arbiter)) {
		arbiter_alarm(actions, ALARM_CONFLICT);
		return give_way(arbiter, actions);
	}
	answer(arbiter, actions);
	if (arbiter->is_syncing && arbiter->answer == ANSWER_YES)
		return go(arbiter, ARBITER_ENTERING, "the standby has a complete copy", actions);
	if (!arbiter->is_syncing && can_be_standby(arbiter) && arbiter->now >= arbiter->retry_at &&
	    word->right.generation <= arbiter->record.right.generation) {
		arbiter->next = arbiter->record.right;
		if (right_compare(word->right, arbiter->next) > 0)
			arbiter->next = word->right;
		arbiter->next.round++;
		arbiter->is_syncing = true;
		arbiter->answer = ANSWER_NONE;
		arbiter_act(actions, ACTION_SYNC)->right = arbiter->next;
	}
	if (!arbiter->is_syncing)
		ask(arbiter, actions);
	return false;
}

static bool step_entering(struct arbiter *arbiter, struct arbiter_actions *actions)
{
	if (!is_written(arbiter, SITUATION_REPLICATING, arbiter->next, actions))
		return false;
	arbiter_beats_begin(arbiter);
	arbiter->is_fenced = false;
	return go(arbiter, ARBITER_HOLDING, "waits for the standby's first reply", actions);
}

static bool step_replicating(struct arbiter *arbiter, struct arbiter_actions *actions)
{
	const char *cause;

	if (arbiter_is_superseded(arbiter))
		return give_way(arbiter, actions);
	if (arbiter_may_go_solo(arbiter, &cause))
		return go(arbiter, ARBITER_GOING_SOLO, cause, actions);
	if (!arbiter_has_lease(arbiter)) {
		arbiter_alarm(actions, ALARM_HELD);
		return go(arbiter, ARBITER_HOLDING, "the lease has ended", actions);
	}
	if (arbiter->wants_switchover)
		return go(arbiter, ARBITER_FLUSHING, "ordered by the operator", actions);
	arbiter_beat(arbiter, actions);
	return false;
}

static bool step_holding(struct arbiter *arbiter, struct arbiter_actions *actions)
{
	const char *cause;

	if (arbiter_is_superseded(arbiter))
		return give_way(arbiter, actions);
	if (arbiter_may_go_solo(arbiter, &cause))
		return go(arbiter, ARBITER_GOING_SOLO, cause, actions);
	if (arbiter_has_lease(arbiter))
		return go(arbiter, ARBITER_REPLICATING, "the standby replied", actions);
	arbiter_beat(arbiter, actions);
	if (arbiter->heard || arbiter->now > arbiter->heard_at + arbiter->config.lease)
		ask(arbiter, actions);
	fence(arbiter, actions);
	if (!arbiter->is_undecided &&
	    arbiter->now > arbiter->heard_at + 2 * arbiter->config.window) {
		arbiter->is_undecided = true;
		arbiter_alarm(actions, ALARM_UNDECIDED);
	}
	return false;
}

static bool step_going_solo(struct arbiter *arbiter, struct arbiter_actions *actions)
{
	if (!is_written(arbiter, SITUATION_SOLO, arbiter->next, actions))
		return false;
	arbiter->wants_solo = arbiter->wants_switchover = false;
	return go(arbiter, arbiter->is_running ? ARBITER_SOLO : ARBITER_COLD, "it is durable",
	          actions);
}

static bool call_off(struct arbiter *arbiter, const char *cause, struct arbiter_actions *actions)
{
	arbiter->wants_switchover = false;
	arbiter_alarm(actions, ALARM_SWITCH_FAILED);
	arbiter_act(actions, ACTION_RESUME);
	arbiter->is_paused = false;
	return go(arbiter, ARBITER_HOLDING, cause, actions);
}

static bool step_flushing(struct arbiter *arbiter, struct arbiter_actions *actions)
{
	if (arbiter->answer == ANSWER_NO || !arbiter_has_lease(arbiter))
		return call_off(arbiter, "the last epoch was not acknowledged", actions);
	if (arbiter->answer == ANSWER_YES)
		return go(arbiter, ARBITER_GIVING, "the standby has the last epoch", actions);
	arbiter_beat(arbiter, actions);
	return false;
}

static bool step_giving(struct arbiter *arbiter, struct arbiter_actions *actions)
{
	if (arbiter->has_write_failed && arbiter->is_running)
		return call_off(arbiter, "the record could not be written", actions);
	if (!is_written(arbiter, SITUATION_HANDED, arbiter->record.right, actions))
		return false;
	arbiter->wants_switchover = false;
	return go(arbiter, ARBITER_HANDED, "it is durable", actions);
}

static bool step_handed(struct arbiter *arbiter, struct arbiter_actions *actions)
{
	const char *cause;

	if (arbiter_is_superseded(arbiter))
		return give_way(arbiter, actions);
	if (arbiter_may_go_solo(arbiter, &cause))
		return go(arbiter, ARBITER_GOING_SOLO, cause, actions);
	ask(arbiter, actions);
	if (!arbiter->is_undecided &&
	    arbiter->now > arbiter->heard_at + 2 * arbiter->config.window) {
		arbiter->is_undecided = true;
		arbiter_alarm(actions, ALARM_UNDECIDED);
	}
	return false;
}

/* --- the way back --- */

static bool step_dropping(struct arbiter *arbiter, struct arbiter_actions *actions)
{
	if (arbiter->answer != ANSWER_YES)
		return false;
	arbiter->is_running = arbiter->is_paused = false;
	return go(arbiter, ARBITER_MARKING, "the copy is destroyed", actions);
}

static bool step_marking(struct arbiter *arbiter, struct arbiter_actions *actions)
{
	if (!is_written(arbiter, SITUATION_OUTDATED, arbiter->mark, actions))
		return false;
	return go(arbiter, ARBITER_OUTDATED, "it is durable", actions);
}

static bool mark(struct arbiter *arbiter, const char *cause, struct arbiter_actions *actions)
{
	arbiter->mark = arbiter->record.right;
	if (arbiter->is_asked && right_compare(arbiter->word.right, arbiter->mark) > 0)
		arbiter->mark = arbiter->word.right;
	arbiter->is_asked = false;
	return go(arbiter, ARBITER_MARKING, cause, actions);
}

/* --- the standby --- */

static bool step_outdated(struct arbiter *arbiter, struct arbiter_actions *actions)
{
	if (arbiter->wants_solo) {
		arbiter->next = (struct right){ arbiter->record.right.generation + 1, 0 };
		return go(arbiter, ARBITER_GOING_SOLO, "ordered by the operator", actions);
	}
	/* What is asked about must not be joined later, by a beat that is still under way. */
	if (arbiter->is_asked && right_compare(arbiter->word.right, arbiter->record.right) > 0)
		return mark(arbiter, "asked about a round it never joined", actions);
	answer(arbiter, actions);
	return false;
}

static bool step_joining(struct arbiter *arbiter, struct arbiter_actions *actions)
{
	if (!is_written(arbiter, SITUATION_IN_SYNC, arbiter->synced, actions))
		return false;
	arbiter_beats_begin(arbiter);
	arbiter->is_fenced = false;
	return go(arbiter, ARBITER_IN_SYNC, "it is durable", actions);
}

static bool is_silent(const struct arbiter *arbiter)
{
	return arbiter->now >= arbiter->heard_at + arbiter->config.lease / 2;
}

static bool step_in_sync(struct arbiter *arbiter, struct arbiter_actions *actions)
{
	const char *cause;

	if (arbiter_may_take_over(arbiter, &cause))
		return go(arbiter, ARBITER_CLAIMING, cause, actions);
	if (arbiter_must_mark(arbiter, &cause))
		return mark(arbiter, cause, actions);
	answer(arbiter, actions);
	if (!arbiter->is_peer_present && is_silent(arbiter))
		return go(arbiter, ARBITER_ALONE, "the primary is gone", actions);
	return false;
}

static bool step_alone(struct arbiter *arbiter, struct arbiter_actions *actions)
{
	const char *cause;

	if (arbiter_may_take_over(arbiter, &cause))
		return go(arbiter, ARBITER_CLAIMING, cause, actions);
	if (arbiter_must_mark(arbiter, &cause))
		return mark(arbiter, cause, actions);
	if (arbiter->is_peer_present || !is_silent(arbiter))
		return go(arbiter, ARBITER_IN_SYNC, "the primary is back", actions);
	fence(arbiter, actions);
	return false;
}

static bool step_claiming(struct arbiter *arbiter, struct arbiter_actions *actions)
{
	const char *cause;

	if (arbiter_must_mark(arbiter, &cause))
		return mark(arbiter, cause, actions);
	if (!is_written(arbiter, SITUATION_TAKING, arbiter->record.right, actions))
		return false;
	return go(arbiter, ARBITER_ACTIVATING, "it is durable", actions);
}

static bool step_activating(struct arbiter *arbiter, struct arbiter_actions *actions)
{
	if (arbiter->answer == ANSWER_YES)
		return go(arbiter, ARBITER_CONFIRMING, "the copy runs", actions);
	if (arbiter->answer == ANSWER_NONE)
		return false;
	arbiter_alarm(actions, ALARM_TOO_LATE);
	return drop(arbiter, arbiter->record.right, "the hypervisor refused", actions);
}

static bool step_confirming(struct arbiter *arbiter, struct arbiter_actions *actions)
{
	if (!is_written(arbiter, SITUATION_SOLO, arbiter->next, actions))
		return false;
	arbiter->is_running = true;
	arbiter_alarm(actions, ALARM_TOOK_OVER);
	return go(arbiter, ARBITER_SOLO, "it is durable", actions);
}

/* --- moving --- */

static void enter_solo(struct arbiter *arbiter, struct arbiter_actions *actions)
{
	if (arbiter->is_paused)
		arbiter_act(actions, ACTION_RESUME);
	arbiter->is_paused = arbiter->is_syncing = arbiter->is_undecided = false;
	arbiter->wants_switchover = false;
	arbiter_act(actions, ACTION_SOLO);
	arbiter_alarm(actions, ALARM_UNPROTECTED);
	arbiter_say(arbiter, false, actions);
}

static void enter_replicating(struct arbiter *arbiter, struct arbiter_actions *actions)
{
	arbiter->is_undecided = arbiter->is_syncing = false;
	arbiter_act(actions, ACTION_RELEASE)->until = arbiter->lease_until;
	arbiter_alarm(actions, ALARM_PROTECTED);
}

static void enter(struct arbiter *arbiter, struct arbiter_actions *actions)
{
	arbiter->answer = ANSWER_NONE;
	arbiter->has_write_failed = false;
	switch ((enum arbiter_state)arbiter->machine.current) {
	case ARBITER_SOLO:
		enter_solo(arbiter, actions);
		break;
	case ARBITER_REPLICATING:
		enter_replicating(arbiter, actions);
		break;
	case ARBITER_HOLDING:
		arbiter->ask_at = 0;
		arbiter_act(actions, ACTION_HOLD);
		break;
	case ARBITER_GOING_SOLO:
		if (arbiter->record.situation == SITUATION_REPLICATING ||
		    arbiter->record.situation == SITUATION_HANDED)
			arbiter->next = arbiter->record.right;
		break;
	case ARBITER_FLUSHING:
		arbiter->is_paused = true;
		arbiter_act(actions, ACTION_FLUSH);
		break;
	case ARBITER_GIVING:
		arbiter_act(actions, ACTION_HOLD);
		break;
	case ARBITER_HANDED:
		arbiter->ask_at = 0;
		break;
	case ARBITER_DROPPING:
		arbiter_act(actions, ACTION_HOLD);
		arbiter_act(actions, ACTION_DROP);
		break;
	case ARBITER_OUTDATED:
		arbiter_alarm(actions, ALARM_OUTDATED);
		arbiter_say(arbiter, false, actions);
		break;
	case ARBITER_ALONE:
		arbiter_alarm(actions, ALARM_ALONE);
		break;
	case ARBITER_ACTIVATING:
		arbiter_act(actions, ACTION_TAKE_OVER)->until = arbiter->window_end;
		break;
	case ARBITER_CONFIRMING:
		arbiter->next = (struct right){ arbiter->record.right.generation + 1, 0 };
		break;
	default:
		break;
	}
}

void arbiter_move(struct arbiter *arbiter, enum arbiter_state to, const char *cause,
                  struct arbiter_actions *actions)
{
	machine_move(&arbiter->machine, to, cause);
	enter(arbiter, actions);
	assert_arbiter(arbiter);
}

typedef bool (*step_function)(struct arbiter *arbiter, struct arbiter_actions *actions);

static const step_function steps[ARBITER_STATE_COUNT] = {
	[ARBITER_IDLE] = step_idle,
	[ARBITER_COLD] = step_cold,
	[ARBITER_SOLO] = step_solo,
	[ARBITER_ENTERING] = step_entering,
	[ARBITER_REPLICATING] = step_replicating,
	[ARBITER_HOLDING] = step_holding,
	[ARBITER_GOING_SOLO] = step_going_solo,
	[ARBITER_FLUSHING] = step_flushing,
	[ARBITER_GIVING] = step_giving,
	[ARBITER_HANDED] = step_handed,
	[ARBITER_DROPPING] = step_dropping,
	[ARBITER_MARKING] = step_marking,
	[ARBITER_OUTDATED] = step_outdated,
	[ARBITER_JOINING] = step_joining,
	[ARBITER_IN_SYNC] = step_in_sync,
	[ARBITER_ALONE] = step_alone,
	[ARBITER_CLAIMING] = step_claiming,
	[ARBITER_ACTIVATING] = step_activating,
	[ARBITER_CONFIRMING] = step_confirming,
};

void arbiter_settle(struct arbiter *arbiter, struct arbiter_actions *actions)
{
	unsigned int moves = 0;

	while (steps[arbiter->machine.current](arbiter, actions))
		assert(++moves < MOVES_MAX);
}
