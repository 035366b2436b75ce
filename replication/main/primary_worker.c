/* A primary on a loop: its peer, its clock, and what an operator may ask of it. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/main/primary_worker.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/log.h"
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

static void on_due(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct primary_worker *worker = timer->data;
	uint64_t now = clock_now();
	uint64_t next = primary_run(worker->primary, now);

	(void)loop;
	(void)events;
	/* A timer counts from when the loop last looked at the clock: that may be long ago by now. */
	ev_now_update(worker->loop);
	if (next != PACE_NEVER)
		set_due(worker, next > now ? next - now : 0);
}

static void on_connected(void *user, struct peer *peer)
{
	struct primary_worker *worker = user;

	primary_connected(worker->primary, peer);
	run_soon(worker);
}

static void on_frame(void *user, const struct frame *frame)
{
	struct primary_worker *worker = user;

	primary_frame(worker->primary, frame, clock_now());
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
	run_soon(worker);
}

static const struct contact_events contact_events = {
	.connected = on_connected,
	.frame = on_frame,
	.writable = on_writable,
	.lost = on_lost,
};

/* --- the control socket --- */

static json_t *serve_status(const json_t *request, void *data)
{
	struct primary_worker *worker = data;
	const struct primary_states *states = primary_states_of(worker->primary);

	(void)request;
	return control_success(json_pack("{s:s, s:s, s:s, s:b, s:b, s:s, s:I, s:I, s:I, s:I, s:I}",
	                                 "vm", worker->settings->hello.name, "role", "primary",
	                                 "state", machine_state_name(&states->machine), "connected",
	                                 contact_is_up(worker->contact), "held", states->is_held,
	                                 "why", contact_why(worker->contact), "generation",
	                                 (json_int_t)worker->settings->hello.generation, "cut",
	                                 (json_int_t)states->cut, "sent", (json_int_t)states->sent,
	                                 "acknowledged", (json_int_t)states->acked, "round_trip_ns",
	                                 (json_int_t)contact_round_trip(worker->contact)));
}

/* The operator answers for it that no other copy runs, nor will. */
static json_t *serve_release(const json_t *request, void *data)
{
	struct primary_worker *worker = data;
	const struct primary_states *states = primary_states_of(worker->primary);

	(void)request;
	if (states->machine.current != PRIMARY_WAITING)
		return control_refusal(CONTROL_WRONG_STATE, "status",
		                       "only a primary that waits for its standby can be released; "
		                       "this one is %s",
		                       machine_state_name(&states->machine));
	log_warning("%s: released by the operator: it runs without a standby",
	            worker->settings->who);
	primary_solo(worker->primary);
	run_soon(worker);
	return control_success(json_pack("{s:s}", "state", machine_state_name(&states->machine)));
}

static const char *const no_fields[] = { NULL };

static const struct control_verb verbs[] = {
	{ .name = "status", .fields = no_fields, .serve = serve_status },
	{ .name = "release", .fields = no_fields, .serve = serve_release },
	{ 0 },
};

static int open_parts(struct primary_worker *worker, struct vm *vm,
                      const struct contact_settings *contact, const char *control, char *why)
{
	worker->primary = primary_new(vm, worker->settings, clock_now());
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
	worker->contact = contact_open(worker->loop, contact, &contact_events, worker, why);
	return worker->contact ? 0 : -1;
}

int primary_worker_open(struct primary_worker *worker, struct ev_loop *loop, struct vm *vm,
                        const struct primary_settings *settings,
                        const struct contact_settings *contact, const char *control, char *why)
{
	*worker = (struct primary_worker){ .loop = loop, .settings = settings };
	ev_init(&worker->due, on_due);
	worker->due.data = worker;
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
	if (worker->control)
		control_server_free(worker->control);
	if (worker->primary)
		primary_free(worker->primary);
	contact_close(worker->contact);
	*worker = (struct primary_worker){ .loop = worker->loop };
}

void primary_worker_want(struct primary_worker *worker)
{
	primary_want(worker->primary);
	run_soon(worker);
}
