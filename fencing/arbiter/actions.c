/* What the arbiter asks of its caller, and the words for it. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "fencing/arbiter/private.h"

#include <assert.h>

struct arbiter_action *arbiter_act(struct arbiter_actions *actions, enum action_kind kind)
{
	struct arbiter_action *action = &actions->list[actions->count];

	assert(actions->count < ARBITER_ACTIONS_MAX);
	actions->count++;
	*action = (struct arbiter_action){ .kind = kind };
	return action;
}

void arbiter_alarm(struct arbiter_actions *actions, enum alarm alarm)
{
	arbiter_act(actions, ACTION_ALARM)->alarm = alarm;
}

/* Only what is durable is said. */
void arbiter_say(struct arbiter *arbiter, bool is_asking, struct arbiter_actions *actions)
{
	struct arbiter_action *action = arbiter_act(actions, ACTION_SAY);

	action->record = arbiter->record;
	action->is_asking = is_asking;
}

void arbiter_write(struct arbiter *arbiter, enum situation situation, struct right right,
                   struct arbiter_actions *actions)
{
	struct arbiter_action *action = arbiter_act(actions, ACTION_WRITE);

	assert(!arbiter->is_writing);
	arbiter->is_writing = true;
	arbiter->pending = (struct record){ situation, right, arbiter->record.peer };
	action->record = arbiter->pending;
}

const char *alarm_name(enum alarm alarm)
{
	static const char *const names[ALARM_COUNT] = {
		[ALARM_PROTECTED] = "the standby is in sync: the VM is protected",
		[ALARM_HELD] = "the standby does not answer: output is held",
		[ALARM_UNPROTECTED] = "the VM runs alone: it is not protected",
		[ALARM_UNDECIDED] =
			"output is held and nothing proves that the other host does not run "
			"the VM: bring that host back, or order this one to go on alone",
		[ALARM_ALONE] = "the primary is gone: looking for proof that it does not run",
		[ALARM_TOOK_OVER] = "took over: the VM runs here now",
		[ALARM_OUTDATED] = "this standby is outdated: it cannot take over",
		[ALARM_DROPPED] = "another host has taken over: the copy here is dropped",
		[ALARM_FENCE_FAILED] = "the other host could not be fenced",
		[ALARM_STORE_FAILED] = "the record of the generation could not be written",
		[ALARM_TOO_LATE] = "the hypervisor refused to activate the copy",
		[ALARM_START_FAILED] = "the VM could not be started from its disk",
		[ALARM_SWITCH_FAILED] = "the switchover was called off: the VM goes on here",
		[ALARM_CONFLICT] = "two hosts claim to run the same generation of the VM",
	};

	return alarm < ALARM_COUNT ? names[alarm] : "unknown";
}
