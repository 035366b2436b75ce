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

/* An epoch a turn: frames that have come meanwhile are looked at in between. */
static void on_due(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct standby_worker *worker = timer->data;

	(void)loop;
	(void)events;
	if (standby_run(worker->standby))
		run_soon(worker);
}

static void on_connected(void *user, struct peer *peer)
{
	struct standby_worker *worker = user;

	standby_connected(worker->standby, peer);
}

static void on_frame(void *user, const struct frame *frame)
{
	struct standby_worker *worker = user;

	standby_frame(worker->standby, frame);
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
	return control_success(json_pack(
		"{s:s, s:s, s:s, s:b, s:s, s:I, s:I, s:I, s:I}", "vm", worker->settings->hello.name,
		"role", "standby", "state", machine_state_name(&states->machine), "connected",
		contact_is_up(worker->contact), "why", contact_why(worker->contact), "generation",
		(json_int_t)worker->settings->hello.generation, "whole", (json_int_t)states->whole,
		"committed", (json_int_t)states->committed, "round_trip_ns",
		(json_int_t)contact_round_trip(worker->contact)));
}

int standby_worker_activate(struct standby_worker *worker)
{
	const struct standby_states *states = standby_states_of(worker->standby);
	int err = standby_activate(worker->standby);

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
	int err = standby_worker_activate(worker);

	(void)request;
	switch (-err) {
	case 0:
		return control_success(json_pack("{s:I}", "epoch", (json_int_t)states->whole));
	case ENODATA:
		return control_refusal(CONTROL_WRONG_STATE, "status",
		                       "there is nothing here that may run: the standby is %s",
		                       machine_state_name(&states->machine));
	case EALREADY:
		return control_refusal(CONTROL_WRONG_STATE, "status", "the VM runs here already");
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
	log_warning("%s: outdated by the operator", worker->settings->who);
	return control_success(json_object());
}

static const char *const no_fields[] = { NULL };

static const struct control_verb verbs[] = {
	{ .name = "status", .fields = no_fields, .serve = serve_status },
	{ .name = "activate", .fields = no_fields, .serve = serve_activate },
	{ .name = "outdate", .fields = no_fields, .serve = serve_outdate },
	{ 0 },
};

static int open_parts(struct standby_worker *worker, struct sink *sink,
                      const struct contact_settings *contact, const char *control, char *why)
{
	worker->standby = standby_new(sink, worker->settings);
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
	worker->contact = contact_open(worker->loop, contact, &contact_events, worker, why);
	return worker->contact ? 0 : -1;
}

int standby_worker_open(struct standby_worker *worker, struct ev_loop *loop, struct sink *sink,
                        const struct standby_settings *settings,
                        const struct contact_settings *contact, const char *control, char *why)
{
	*worker = (struct standby_worker){ .loop = loop, .settings = settings };
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
	if (worker->standby)
		standby_free(worker->standby);
	contact_close(worker->contact);
	*worker = (struct standby_worker){ .loop = worker->loop };
}
