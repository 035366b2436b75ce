/* A primary on a loop: its peer, its clock, and what an operator may ask of it. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/main/primary_worker.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/log.h"
#include "replication/main/worker_config.h"
#include "toolstack/control/codes.h"
#include "toolstack/control/message.h"

static uint64_t clock_now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* Come to primary_run() in so many nanoseconds. */
static void set_due(struct primary_worker *worker, uint64_t delay)
{
	ev_timer_stop(worker->loop, &worker->due);
	ev_timer_set(&worker->due, (double)delay * 1e-9, 0.);
	ev_timer_start(worker->loop, &worker->due);
}

static void run_soon(struct primary_worker *worker)
{
	set_due(worker, 0);
}

static void answer_flush(struct primary_worker *worker)
{
	const struct primary_states *states = primary_states_of(worker->primary);
	enum primary_flush flush = primary_flush_of(worker->primary);
	struct control_later *later = worker->flushing;

	if (!later || flush == PRIMARY_FLUSH_WAITS)
		return;
	worker->flushing = NULL;
	control_reply(later,
	              flush == PRIMARY_FLUSH_DONE
	                      ? control_success(
					json_pack("{s:I}", "epoch", (json_int_t)states->acked))
	                      : control_refusal(CONTROL_FAILED, "resume",
	                                        "the VM stands still, but its last epoch was not "
	                                        "acknowledged"));
}

/* What has changed is told, after anything that may have changed it. */
static void look(struct primary_worker *worker)
{
	const struct primary_states *states = primary_states_of(worker->primary);
	bool is_running = states->machine.current == PRIMARY_RUNNING;
	bool is_whole = is_running && states->acked >= states->first;
	bool has_base = !is_whole && (is_running || states->machine.current == PRIMARY_BASE);

	worker->subject.epoch = states->cut;
	worker_events_link(&worker->events, worker->contact);
	worker_events_copy(&worker->events, has_base, is_whole);
	answer_flush(worker);
	if (has_base && !ev_is_active(&worker->progress))
		ev_timer_again(worker->loop, &worker->progress);
	else if (!has_base)
		ev_timer_stop(worker->loop, &worker->progress);
}

static void on_progress(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct primary_worker *worker = timer->data;
	struct primary_progress progress = primary_progress_of(worker->primary);

	(void)loop;
	(void)events;
	if (worker->control)
		control_tell(worker->control,
		             json_pack("{s:s, s:I, s:I, s:I, s:I}", "event", "progress", "sent",
		                       (json_int_t)progress.sent, "total",
		                       (json_int_t)progress.total, "disks",
		                       (json_int_t)progress.disks, "round",
		                       (json_int_t)progress.round));
}

static void on_due(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct primary_worker *worker = timer->data;
	uint64_t now = clock_now();
	uint64_t next = primary_run(worker->primary, now);

	(void)loop;
	(void)events;
	look(worker);
	/* A timer counts from when the loop last looked at the clock: that may be long ago by now. */
	ev_now_update(worker->loop);
	if (next != PACE_NEVER)
		set_due(worker, next > now ? next - now : 0);
}

/* By an encoding thread. */
static void wake_loop(void *data)
{
	struct primary_worker *worker = data;

	ev_async_send(worker->loop, &worker->encoded);
}

static void on_encoded(struct ev_loop *loop, ev_async *async, int events)
{
	(void)loop;
	(void)events;
	run_soon(async->data);
}

static void on_connected(void *user, struct peer *peer)
{
	struct primary_worker *worker = user;

	primary_connected(worker->primary, peer);
	look(worker);
	run_soon(worker);
}

static void on_frame(void *user, const struct frame *frame)
{
	struct primary_worker *worker = user;

	primary_frame(worker->primary, frame, clock_now());
	look(worker);
	run_soon(worker);
}

static void on_writable(void *user)
{
	run_soon(user);
}

static void on_lost(void *user, const char *why)
{
	struct primary_worker *worker = user;

	primary_lost(worker->primary, why);
	look(worker);
	run_soon(worker);
}

static void on_beat(void *user, const struct wire_beat *beat)
{
	struct primary_worker *worker = user;

	worker_events_beat(&worker->events, beat);
}

static const struct contact_events contact_events = {
	.connected = on_connected,
	.frame = on_frame,
	.writable = on_writable,
	.lost = on_lost,
};

/* --- the control socket --- */

static json_t *tell_counts(const struct primary_worker *worker)
{
	const struct primary_counts *counts = primary_counts_of(worker->primary);
	struct vm_held held = worker->vm->ops->held(worker->vm);

	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "cuts",
	                 (json_int_t)counts->cuts, "pause_ns", (json_int_t)counts->pause,
	                 "pause_longest_ns", (json_int_t)counts->pause_longest, "pauses_ns",
	                 (json_int_t)counts->pauses, "captured_bytes", (json_int_t)counts->captured,
	                 "sent_bytes", (json_int_t)counts->sent, "held_bytes",
	                 (json_int_t)held.bytes, "held_frames", (json_int_t)held.frames);
}

static json_t *serve_status(const json_t *request, void *data)
{
	struct primary_worker *worker = data;
	const struct primary_states *states = primary_states_of(worker->primary);

	(void)request;
	return control_success(json_pack(
		"{s:s, s:s, s:s, s:b, s:b, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "vm",
		worker->settings->hello.name, "role", "primary", "state",
		machine_state_name(&states->machine), "connected", contact_is_up(worker->contact),
		"held", states->is_held, "why", contact_why(worker->contact), "generation",
		(json_int_t)worker->settings->hello.generation, "round",
		(json_int_t)worker->settings->hello.round, "cut", (json_int_t)states->cut, "sent",
		(json_int_t)states->sent, "acknowledged", (json_int_t)states->acked,
		"round_trip_ns", (json_int_t)contact_round_trip(worker->contact), "counts",
		tell_counts(worker)));
}

static json_t *serve_watch(const json_t *request, void *data)
{
	struct primary_worker *worker = data;

	(void)request;
	control_watch(worker->control);
	return control_success(json_object());
}

static json_t *serve_beat(const json_t *request, void *data)
{
	struct primary_worker *worker = data;
	struct wire_beat beat;

	if (!worker_events_parse(request, &beat))
		return control_refusal(CONTROL_BAD_REQUEST, "", "a beat has four numbers");
	return control_success(json_pack("{s:b}", "sent", primary_beat(worker->primary, &beat)));
}

static json_t *refuse_backend(int err)
{
	return control_refusal(CONTROL_FAILED, "", "the backend worker: %s", strerror(-err));
}

static json_t *lease(struct primary_worker *worker, uint64_t until)
{
	int err;

	if (!worker->is_arbitrated)
		return control_refusal(CONTROL_WRONG_STATE, "",
		                       "this worker was started without an arbiter");
	err = worker->vm->ops->lease(worker->vm, until);
	return err ? refuse_backend(err) : control_success(json_object());
}

static json_t *serve_lease(const json_t *request, void *data)
{
	const json_t *until = json_object_get(request, "until");

	if (!until)
		return control_refusal(CONTROL_BAD_REQUEST, "", "a lease ends at a time");
	return lease(data, (uint64_t)json_integer_value(until));
}

static json_t *serve_hold(const json_t *request, void *data)
{
	(void)request;
	return lease(data, 0);
}

/* Without an arbiter the operator answers for it that no other copy runs, nor will. With one there is no other copy from now
 * on until remusd has a worker of the next round started: this one makes none. */
static json_t *serve_release(const json_t *request, void *data)
{
	struct primary_worker *worker = data;
	const struct primary_states *states = primary_states_of(worker->primary);

	(void)request;
	if (!worker->is_arbitrated && states->machine.current != PRIMARY_WAITING)
		return control_refusal(CONTROL_WRONG_STATE, "status",
		                       "only a primary that waits for its standby can be released; "
		                       "this one is %s",
		                       machine_state_name(&states->machine));
	log_warning("%s: released: it runs without a standby", worker->settings->who);
	if (worker->is_arbitrated)
		contact_end(worker->contact);
	primary_solo(worker->primary);
	look(worker);
	run_soon(worker);
	if (states->is_held)
		return control_refusal(CONTROL_FAILED, "release", "its output is still held");
	return control_success(json_pack("{s:s}", "state", machine_state_name(&states->machine)));
}

static json_t *refuse_flush(int err)
{
	if (err == -EALREADY)
		return control_refusal(CONTROL_WRONG_STATE, "status",
		                       "the VM stands still already");
	if (err == -ENOTCONN)
		return control_refusal(CONTROL_WRONG_STATE, "status",
		                       "there is no standby in sync");
	return control_refusal(CONTROL_FAILED, "", "the VM cannot be paused: %s", strerror(-err));
}

static void begin_flush(const json_t *request, void *data, struct control_later *later)
{
	struct primary_worker *worker = data;
	int err = primary_flush(worker->primary);

	(void)request;
	if (err)
		control_reply(later, refuse_flush(err));
	else
		worker->flushing = later;
	run_soon(worker);
}

static json_t *serve_resume(const json_t *request, void *data)
{
	struct primary_worker *worker = data;
	int err = primary_resume(worker->primary);

	(void)request;
	if (err == -EALREADY)
		return control_refusal(CONTROL_WRONG_STATE, "status",
		                       "the VM does not stand still");
	if (err)
		return control_refusal(CONTROL_FAILED, "", "the VM cannot go on: %s",
		                       strerror(-err));
	if (worker->flushing)
		control_reply(worker->flushing,
		              control_refusal(CONTROL_FAILED, "", "it was told to go on"));
	worker->flushing = NULL;
	run_soon(worker);
	return control_success(json_object());
}

static uint64_t number(const json_t *request, const char *field)
{
	return (uint64_t)json_integer_value(json_object_get(request, field));
}

/* The bounds are those of its file. */
static json_t *serve_set(const json_t *request, void *data)
{
	struct primary_worker *worker = data;
	struct pace_limits pace = worker->settings->pace;
	uint64_t interval = number(request, "interval_ms"),
		 shortest = number(request, "shortest_ms");
	uint64_t pages = number(request, "dirty_pages"), kept = number(request, "kept_mib");
	const char *names = json_string_value(json_object_get(request, "exempt"));
	struct exempt exempt;
	int err;

	if (!names || exempt_parse(&exempt, names) || interval < 1 || interval < shortest ||
	    interval > WORKER_INTERVAL_MAX || kept < WORKER_KEPT_MIN || kept > WORKER_KEPT_MAX ||
	    pages > UINT32_MAX)
		return control_refusal(CONTROL_BAD_REQUEST, "",
		                       "a setting is missing or out of bounds");
	pace.longest = interval * 1000000;
	pace.shortest = shortest * 1000000;
	pace.dirty_pages = pages;
	primary_set(worker->primary, &pace, kept << 20);
	log_info("%s: epochs of %llu ms at most, from now on", worker->settings->who,
	         (unsigned long long)interval);
	err = worker->vm->ops->exempt(worker->vm, &exempt);
	run_soon(worker);
	return err ? refuse_backend(err) : control_success(json_object());
}

static const char *const no_fields[] = { NULL };
static const char *const set_fields[] = { "#interval_ms", "#shortest_ms", "#dirty_pages",
	                                  "#kept_mib",    "exempt",       NULL };
static const char *const until_field[] = { "#until", NULL };

static const struct control_verb verbs[] = {
	{ .name = "status", .fields = no_fields, .serve = serve_status },
	{ .name = "watch", .fields = no_fields, .serve = serve_watch },
	{ .name = "beat", .fields = worker_beat_fields, .serve = serve_beat },
	{ .name = "lease", .fields = until_field, .serve = serve_lease },
	{ .name = "hold", .fields = no_fields, .serve = serve_hold },
	{ .name = "release", .fields = no_fields, .serve = serve_release },
	{ .name = "set", .fields = set_fields, .serve = serve_set },
	{ .name = "flush", .fields = no_fields, .begin = begin_flush },
	{ .name = "resume", .fields = no_fields, .serve = serve_resume },
	{ 0 },
};

static int open_parts(struct primary_worker *worker, struct vm *vm,
                      const struct contact_settings *contact, const char *control, char *why)
{
	struct primary_settings settings = *worker->settings;

	settings.beat = on_beat;
	settings.beat_data = worker;
	settings.encoded = wake_loop;
	settings.encoded_data = worker;
	worker->primary = primary_new(vm, &settings, clock_now());
	if (!worker->primary) {
		snprintf(why, TRANSPORT_WHY_MAX, "no memory");
		return -1;
	}
	if (control) {
		worker->control = control_serve(worker->loop, control, verbs, worker);
		if (!worker->control) {
			snprintf(why, TRANSPORT_WHY_MAX, "%s: %s", control, strerror(errno));
			return -1;
		}
	}
	worker_events_init(&worker->events, worker->control, &worker->settings->hello);
	worker->contact = contact_open(worker->loop, contact, &contact_events, worker, why);
	return worker->contact ? 0 : -1;
}

int primary_worker_open(struct primary_worker *worker, struct ev_loop *loop, struct vm *vm,
                        const struct primary_settings *settings,
                        const struct contact_settings *contact, const char *control,
                        bool is_arbitrated, char *why)
{
	*worker = (struct primary_worker){
		.loop = loop, .settings = settings, .vm = vm, .is_arbitrated = is_arbitrated
	};
	worker->subject = (struct log_subject){ .vm = settings->hello.name,
		                                .generation = settings->hello.generation,
		                                .round = settings->hello.round };
	log_subject(&worker->subject);
	ev_init(&worker->due, on_due);
	ev_init(&worker->progress, on_progress);
	ev_async_init(&worker->encoded, on_encoded);
	worker->progress.repeat = 1.;
	worker->due.data = worker->progress.data = worker->encoded.data = worker;
	ev_async_start(loop, &worker->encoded);
	if (open_parts(worker, vm, contact, control, why) != 0) {
		primary_worker_close(worker);
		return -1;
	}
	run_soon(worker);
	return 0;
}

void primary_worker_close(struct primary_worker *worker)
{
	ev_timer_stop(worker->loop, &worker->due);
	ev_timer_stop(worker->loop, &worker->progress);
	if (worker->flushing)
		control_reply(worker->flushing, NULL);
	if (worker->control)
		control_server_free(worker->control);
	worker->control = worker->events.control = NULL;
	if (worker->primary)
		primary_free(worker->primary);
	ev_async_stop(worker->loop, &worker->encoded); /* no thread is left that would send it */
	contact_close(worker->contact);
	log_subject(NULL);
	*worker = (struct primary_worker){ .loop = worker->loop };
}

void primary_worker_want(struct primary_worker *worker)
{
	primary_want(worker->primary);
	run_soon(worker);
}
