/* A standby on a loop: its peer, its commits, and what an operator may ask of it. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/main/standby_worker.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "toolstack/control/codes.h"
#include "toolstack/control/message.h"

static void run_soon(struct standby_worker *worker)
{
	ev_timer_start(worker->loop, &worker->due);
}

/* What has changed is told, after anything that may have changed it. */
static void look(struct standby_worker *worker)
{
	enum standby_state state = standby_states_of(worker->standby)->machine.current;

	worker->subject.epoch = standby_states_of(worker->standby)->whole;
	worker_events_link(&worker->events, worker->contact);
	worker_events_copy(&worker->events, state == STANDBY_BASE,
	                   state != STANDBY_BASE && state != STANDBY_EMPTY);
}

/* An epoch a turn: frames that have come meanwhile are looked at in between. */
static void on_due(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct standby_worker *worker = timer->data;

	(void)loop;
	(void)events;
	if (standby_run(worker->standby))
		run_soon(worker);
	look(worker);
}

static void on_connected(void *user, struct peer *peer)
{
	struct standby_worker *worker = user;

	standby_connected(worker->standby, peer);
	look(worker);
}

static void on_frame(void *user, const struct frame *frame)
{
	struct standby_worker *worker = user;

	standby_frame(worker->standby, frame);
	look(worker);
	if (frame->type == WIRE_END)
		run_soon(worker);
}

static void on_writable(void *user)
{
	run_soon(user);
}

static void on_lost(void *user, const char *why)
{
	struct standby_worker *worker = user;

	standby_lost(worker->standby, why);
	look(worker);
}

static void on_beat(void *user, const struct wire_beat *beat)
{
	struct standby_worker *worker = user;

	worker_events_beat(&worker->events, beat);
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
	struct standby_worker *worker = data;
	const struct standby_states *states = standby_states_of(worker->standby);

	(void)request;
	return control_success(
		json_pack("{s:s, s:s, s:s, s:b, s:s, s:I, s:I, s:I, s:I, s:I}", "vm",
	                  worker->settings->hello.name, "role", "standby", "state",
	                  machine_state_name(&states->machine), "connected",
	                  contact_is_up(worker->contact), "why", contact_why(worker->contact),
	                  "generation", (json_int_t)worker->settings->hello.generation, "round",
	                  (json_int_t)worker->settings->hello.round, "whole",
	                  (json_int_t)states->whole, "committed", (json_int_t)states->committed,
	                  "round_trip_ns", (json_int_t)contact_round_trip(worker->contact)));
}

int standby_worker_activate(struct standby_worker *worker, uint64_t until)
{
	const struct standby_states *states = standby_states_of(worker->standby);
	int err = standby_activate(worker->standby, until);

	if (err)
		log_error("%s: cannot be activated at epoch %llu: %s", worker->settings->who,
		          (unsigned long long)states->whole, strerror(-err));
	else
		log_info("%s: the VM runs here, from epoch %llu on", worker->settings->who,
		         (unsigned long long)states->whole);
	return err;
}

/* The operator answers for it that the primary's copy does not run, nor will. */
static json_t *serve_activate(const json_t *request, void *data)
{
	struct standby_worker *worker = data;
	const struct standby_states *states = standby_states_of(worker->standby);
	json_int_t until = json_integer_value(json_object_get(request, "until"));
	int err = standby_worker_activate(worker, (uint64_t)until);

	look(worker);
	switch (-err) {
	case 0:
		return control_success(json_pack("{s:I}", "epoch", (json_int_t)states->whole));
	case ENODATA:
		return control_refusal(CONTROL_WRONG_STATE, "status",
		                       "there is nothing here that may run: the standby is %s",
		                       machine_state_name(&states->machine));
	case EALREADY:
		return control_refusal(CONTROL_WRONG_STATE, "status", "the VM runs here already");
	case ETIME:
		return control_refusal(CONTROL_TOO_LATE, "status", "the time is over");
	default:
		return control_refusal(CONTROL_FAILED, "activate", "epoch %llu: %s",
		                       (unsigned long long)states->whole, strerror(-err));
	}
}

static json_t *serve_outdate(const json_t *request, void *data)
{
	struct standby_worker *worker = data;

	(void)request;
	if (standby_outdate(worker->standby))
		return control_refusal(CONTROL_WRONG_STATE, "status", "the VM runs here");
	log_warning("%s: outdated: this copy is given up", worker->settings->who);
	look(worker);
	return control_success(json_object());
}

static json_t *serve_watch(const json_t *request, void *data)
{
	struct standby_worker *worker = data;

	(void)request;
	control_watch(worker->control);
	return control_success(json_object());
}

static json_t *serve_beat(const json_t *request, void *data)
{
	struct standby_worker *worker = data;
	struct wire_beat beat;

	if (!worker_events_parse(request, &beat))
		return control_refusal(CONTROL_BAD_REQUEST, "", "a beat has four numbers");
	return control_success(json_pack("{s:b}", "sent", standby_beat(worker->standby, &beat)));
}

static json_t *serve_release(const json_t *request, void *data)
{
	struct standby_worker *worker = data;
	const struct standby_states *states = standby_states_of(worker->standby);
	int err;

	(void)request;
	if (states->machine.current != STANDBY_ACTIVE)
		return control_refusal(CONTROL_WRONG_STATE, "activate", "the VM does not run here");
	err = worker->sink->ops->release(worker->sink);
	return err ? control_refusal(CONTROL_FAILED, "release", "the backend worker: %s",
	                             strerror(-err))
	           : control_success(json_object());
}

static const char *const no_fields[] = { NULL };
static const char *const until_field[] = { "#until", NULL };

static const struct control_verb verbs[] = {
	{ .name = "status", .fields = no_fields, .serve = serve_status },
	{ .name = "watch", .fields = no_fields, .serve = serve_watch },
	{ .name = "beat", .fields = worker_beat_fields, .serve = serve_beat },
	{ .name = "activate", .fields = until_field, .serve = serve_activate },
	{ .name = "release", .fields = no_fields, .serve = serve_release },
	{ .name = "outdate", .fields = no_fields, .serve = serve_outdate },
	{ 0 },
};

static int open_parts(struct standby_worker *worker, struct sink *sink,
                      const struct contact_settings *contact, const char *control, char *why)
{
	struct standby_settings settings = *worker->settings;

	settings.beat = on_beat;
	settings.beat_data = worker;
	worker->standby = standby_new(sink, &settings);
	if (!worker->standby) {
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

int standby_worker_open(struct standby_worker *worker, struct ev_loop *loop, struct sink *sink,
                        const struct standby_settings *settings,
                        const struct contact_settings *contact, const char *control, char *why)
{
	*worker = (struct standby_worker){ .loop = loop, .settings = settings, .sink = sink };
	worker->subject = (struct log_subject){ .vm = settings->hello.name,
		                                .generation = settings->hello.generation,
		                                .round = settings->hello.round };
	log_subject(&worker->subject);
	ev_timer_init(&worker->due, on_due, 0., 0.);
	worker->due.data = worker;
	if (open_parts(worker, sink, contact, control, why) == 0)
		return 0;
	standby_worker_close(worker);
	return -1;
}

void standby_worker_close(struct standby_worker *worker)
{
	ev_timer_stop(worker->loop, &worker->due);
	if (worker->control)
		control_server_free(worker->control);
	worker->control = worker->events.control = NULL;
	if (worker->standby)
		standby_free(worker->standby);
	contact_close(worker->contact);
	log_subject(NULL);
	*worker = (struct standby_worker){ .loop = worker->loop };
}
