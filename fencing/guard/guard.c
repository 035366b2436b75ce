/* Guards one VM: its arbiter, fed by cluster, records, fence agents and clock, and what it decides done. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "fencing/guard/guard.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "fencing/guard/clock.h"
#include "fencing/guard/private.h"

/*
 * One event at a time: what ops tell while actions are being done waits in `events`. The record is written by the
 * writer, the host fenced by the fencer, and both tell later. An arbiter asks for one thing of each kind at a time,
 * so that few events wait; beats that find no room are lost, as on the wire.
 */

/* --- actions --- */

static void on_written(void *data, int err)
{
	struct guard *guard = data;

	if (err)
		log_error("%s: its record cannot be written: %s", guard->name, strerror(-err));
	guard_tell(guard, &(struct arbiter_event){ .kind = EVENT_WRITTEN, .ok = !err });
}

static void on_fenced(void *data, bool is_off)
{
	guard_tell(data, &(struct arbiter_event){ .kind = EVENT_FENCED, .ok = is_off });
}

static void write_record(struct guard *guard, const struct record *record)
{
	int err = writer_write(guard->shared.writer, guard->file, record, on_written, guard);

	if (err)
		on_written(guard, err);
}

static void fence(struct guard *guard)
{
	uint32_t peer = guard->arbiter.record.peer;
	const char *name = guard_name(guard, peer);
	int err = name ? fencer_fence(guard->shared.fencer, name, on_fenced, guard) : -ENOTCONN;

	if (!err)
		return;
	log_error("%s: host %u cannot be fenced: %s", guard->name, peer, strerror(-err));
	on_fenced(guard, false);
}

void guard_say(struct guard *guard, const struct record *record, bool is_asking)
{
	struct cluster_word word = { .record = *record,
		                     .is_asking = is_asking,
		                     .lease = guard->arbiter.config.lease,
		                     .enforcement = guard->arbiter.config.enforcement,
		                     .window = guard->arbiter.config.window };

	memcpy(word.vm, guard->listener.vm, sizeof(word.vm));
	if (record->peer)
		cluster_say(guard->shared.cluster, &guard->listener, record->peer, &word);
}

static void sync_peer(struct guard *guard, struct right right)
{
	/* The sync of a VM whose protection ends is never answered, so none is asked for again. */
	if (!guard_terms_agree(guard))
		guard_synced(guard, right, false);
	else if (!guard->is_unprotecting)
		guard->ops->sync(guard->data, guard->arbiter.record.peer, right);
}

static void act(struct guard *guard, const struct arbiter_action *action)
{
	const struct guard_ops *ops = guard->ops;
	void *data = guard->data;

	switch (action->kind) {
	case ACTION_WRITE:
		write_record(guard, &action->record);
		break;
	case ACTION_RELEASE:
		ops->lease(data, action->until);
		break;
	case ACTION_SOLO:
		ops->solo(data);
		break;
	case ACTION_HOLD:
		ops->hold(data);
		break;
	case ACTION_BEAT:
	case ACTION_REPLY:
		ops->beat(data, action->right, action->number, action->heard);
		break;
	case ACTION_SAY:
		guard_say(guard, &action->record, action->is_asking);
		break;
	case ACTION_FENCE:
		fence(guard);
		break;
	case ACTION_SYNC:
		sync_peer(guard, action->right);
		break;
	case ACTION_TAKE_OVER:
		ops->take_over(data, action->until);
		break;
	case ACTION_DROP:
		ops->drop(data);
		break;
	case ACTION_START:
		ops->start(data);
		break;
	case ACTION_FLUSH:
		ops->flush(data);
		break;
	case ACTION_RESUME:
		ops->resume(data);
		break;
	case ACTION_ALARM:
		ops->alarm(data, action->alarm);
		break;
	}
}

static void act_all(struct guard *guard, const struct arbiter_actions *actions)
{
	for (unsigned int i = 0; i < actions->count; i++)
		act(guard, &actions->list[i]);
}

/* --- events --- */

static bool is_beat(const struct arbiter_event *event)
{
	return event->kind == EVENT_BEAT || event->kind == EVENT_REPLY;
}

static void put_off(struct guard *guard, const struct arbiter_event *event)
{
	if (is_beat(event) && guard->event_count >= GUARD_EVENTS / 2)
		return;
	assert(guard->event_count < GUARD_EVENTS);
	guard->events[guard->event_count++] = *event;
}

static void handle(struct guard *guard, const struct arbiter_event *event)
{
	const struct arbiter *arbiter = &guard->arbiter;
	enum arbiter_state state = arbiter_state(arbiter);
	struct record record = arbiter->record;
	struct arbiter_actions actions;

	arbiter_handle(&guard->arbiter, event, guard_now(), &actions);
	act_all(guard, &actions);
	if (state != arbiter_state(arbiter))
		guard_configure(guard);
	if (state != arbiter_state(arbiter) || record.situation != arbiter->record.situation ||
	    right_compare(record.right, arbiter->record.right) != 0 ||
	    event->kind == EVENT_MEMBERS || event->kind == EVENT_WORD)
		guard->ops->changed(guard->data);
}

static void handle_put_off(struct guard *guard)
{
	while (guard->event_count) {
		struct arbiter_event event = guard->events[0];

		guard->event_count--;
		memmove(guard->events, guard->events + 1,
		        guard->event_count * sizeof(guard->events[0]));
		handle(guard, &event);
	}
}

void guard_tell(struct guard *guard, const struct arbiter_event *event)
{
	if (!guard->is_started || guard->is_over)
		return;
	if (guard->is_handling) {
		put_off(guard, event);
		return;
	}
	guard->is_handling = true;
	handle(guard, event);
	handle_put_off(guard);
	guard->is_handling = false;
	guard_unprotect_step(guard);
}

static void on_tick(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	guard_tell(timer->data, &(struct arbiter_event){ .kind = EVENT_TICK });
}

/* --- life --- */

static void print_uuid(char text[GUARD_UUID_SIZE], const uint8_t uuid[16])
{
	char *next = text;

	for (unsigned int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*next++ = '-';
		next += sprintf(next, "%02x", uuid[i]);
	}
}

/* It has no claim, and can be standby of whom it is told. */
static bool is_standby_of_any(const struct record *record)
{
	return record->situation == SITUATION_NONE || record->situation == SITUATION_OUTDATED;
}

int guard_open(const struct guard_shared *shared, const struct guard_settings *settings,
               const struct guard_ops *ops, void *data, struct guard **result)
{
	struct guard *guard = calloc(1, sizeof(*guard));
	int err;

	if (!guard)
		return -ENOMEM;
	guard->shared = *shared;
	guard->settings = *settings;
	guard->ops = ops;
	guard->data = data;
	snprintf(guard->name, sizeof(guard->name), "%s", settings->name);
	guard->settings.name = guard->name;
	print_uuid(guard->file, settings->vm);
	err = generation_read(writer_folder(shared->writer), guard->file, &guard->record);
	if (err && err != -ENOENT) {
		log_error("%s: its record %s cannot be used: %s", guard->name, guard->file,
		          strerror(-err));
		free(guard);
		return err;
	}
	if (!guard->record.peer || (settings->peer && is_standby_of_any(&guard->record)))
		guard->record.peer = settings->peer;
	*result = guard;
	return 0;
}

void guard_start(struct guard *guard)
{
	struct arbiter_config config = guard_config(guard, guard->record.peer);
	struct arbiter_actions actions;

	assert(!guard->is_started);
	guard->is_started = guard->is_handling = true;
	arbiter_init(&guard->arbiter, &config, guard->name, &guard->record,
	             guard->settings.is_running, guard_now(), &actions);
	act_all(guard, &actions);
	handle_put_off(guard);
	guard->is_handling = false;
	guard_join(guard);
	ev_timer_init(&guard->tick, on_tick, GUARD_TICK, GUARD_TICK);
	guard->tick.data = guard;
	ev_timer_start(guard->shared.loop, &guard->tick);
}

void guard_close(struct guard *guard)
{
	assert(!guard->is_handling);
	if (guard->is_started) {
		ev_timer_stop(guard->shared.loop, &guard->tick);
		cluster_ignore(guard->shared.cluster, &guard->listener);
	}
	writer_disown(guard->shared.writer, guard);
	fencer_disown(guard->shared.fencer, guard);
	free(guard);
}

void guard_status(const struct guard *guard, struct guard_status *status)
{
	const struct arbiter *arbiter = &guard->arbiter;
	enum arbiter_state state = arbiter_state(arbiter);

	*status = (struct guard_status){ .record = guard->record, .peer = guard->record.peer };
	if (!guard->is_started) {
		status->state_name = "not started";
		return;
	}
	*status = (struct guard_status){
		.state = state,
		.state_name = machine_state_name(&arbiter->machine),
		.record = arbiter->record,
		.peer = arbiter->record.peer,
		.is_quorate = arbiter->is_quorate,
		.is_peer_present = arbiter->is_peer_present,
		.is_fencing = arbiter->is_fencing,
		.is_fenced = arbiter->is_fenced,
		.has_agent = arbiter->config.has_agent,
		.is_protected = state == ARBITER_REPLICATING || state == ARBITER_IN_SYNC,
		.lease_until = arbiter->lease_until,
		.word = arbiter->word,
	};
}

void guard_times_of(const struct guard *guard, struct arbiter_config *times)
{
	*times = guard->arbiter.config;
}
