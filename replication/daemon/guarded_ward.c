/* A ward whose guard decides: who runs the VM, and when its output may leave. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "replication/daemon/fences.h"
#include "replication/daemon/ward.h"
#include "toolstack/control/codes.h"
#include "toolstack/control/message.h"

#define PATIENCE      20.0 /* seconds, for what a worker does at once */
#define LONG_PATIENCE 300.0
#define XL_PATIENCE   120.0

/* --- what the worker is told --- */

static void ignore(const json_t *reply, void *data)
{
	(void)reply;
	(void)data;
}

/* Takes over the question. False: no worker is there to be told. */
static bool tell_worker(struct ward *ward, json_t *question, double seconds,
                        void (*done)(const json_t *reply, void *data))
{
	if (!ward->link || !worker_link_is_up(ward->link)) {
		json_decref(question);
		return false;
	}
	worker_link_ask(ward->link, question, seconds, done, ward);
	return true;
}

static bool is_done(const json_t *reply)
{
	const json_t *error;

	control_result(reply, &error);
	return !error;
}

/* All output passes: the worker that let it go has nothing left to do. */
static void on_released(const json_t *reply, void *data)
{
	struct ward *ward = data;

	if (!is_done(reply)) {
		log_error("%s: its output could not be let go: tried again", ward->who);
		return;
	}
	ward->is_free = true;
	ward_rest(ward);
}

static void say_output(struct ward *ward)
{
	if (ward->output == WARD_OUTPUT_HELD)
		tell_worker(ward, json_pack("{s:s}", "verb", "hold"), PATIENCE, ignore);
	else if (ward->output == WARD_OUTPUT_LEASE)
		tell_worker(ward,
		            json_pack("{s:s, s:I}", "verb", "lease", "until",
		                      (json_int_t)ward->lease),
		            PATIENCE, ignore);
	else if (!ward->is_free)
		tell_worker(ward, json_pack("{s:s}", "verb", "release"), PATIENCE, on_released);
}

/* Output may pass, and a worker has yet to say that it does. That is done before a standby is asked for: the worker of a new
 * round that was told to let go would make no copy. */
bool guarded_ward_is_letting_go(const struct ward *ward)
{
	return ward->output == WARD_OUTPUT_SOLO && !ward->is_free && ward->is.port;
}

void guarded_ward_opened(struct ward *ward)
{
	if (ward_is(ward, PROTECTION_PRIMARY))
		say_output(ward);
}

/* --- what the worker tells --- */

static struct right right_of(const json_t *event)
{
	return (struct right){
		.generation = (uint64_t)json_integer_value(json_object_get(event, "generation")),
		.round = (uint64_t)json_integer_value(json_object_get(event, "round")),
	};
}

static void take_beat(struct ward *ward, const json_t *event)
{
	uint64_t number = (uint64_t)json_integer_value(json_object_get(event, "number"));
	uint64_t heard = (uint64_t)json_integer_value(json_object_get(event, "heard"));

	if (ward_is(ward, PROTECTION_PRIMARY))
		guard_reply(ward->guard, right_of(event), number, heard);
	else
		guard_beat(ward->guard, right_of(event), number, heard);
}

/* There was a copy that could take over, and there is none; the worker makes another. Beats may go on all the while, and with
 * them the lease: output would be held until that copy is whole. The standby steps back instead. */
static void lose_copy(struct ward *ward, struct right right)
{
	const struct right now = { .generation = ward->is.generation, .round = ward->is.round };

	if (ward_is(ward, PROTECTION_PRIMARY) && !right_compare(right, now) &&
	    !guard_resync(ward->guard))
		log_error("%s: its standby has lost its copy", ward->who);
}

/* A failed copy is tried again by the worker; the guard is told once, when there is one. */
static void take_synced(struct ward *ward, const json_t *event)
{
	if (!json_is_true(json_object_get(event, "ok"))) {
		lose_copy(ward, right_of(event));
		return;
	}
	if (ward_is(ward, PROTECTION_STANDBY)) {
		guard_synced(ward->guard, right_of(event), true);
		return;
	}
	if (ward->is_syncing && !right_compare(right_of(event), ward->sync)) {
		ward->is_syncing = false;
		guard_synced(ward->guard, ward->sync, true);
	}
}

void guarded_ward_event(struct ward *ward, const json_t *event)
{
	const char *kind = json_string_value(json_object_get(event, "event"));

	if (kind && !strcmp(kind, "beat"))
		take_beat(ward, event);
	else if (kind && !strcmp(kind, "synced"))
		take_synced(ward, event);
}

/* The attempt to have a standby prepared has failed. */
void guarded_ward_refused(struct ward *ward)
{
	if (!ward->is_syncing)
		return;
	ward->is_syncing = false;
	guard_synced(ward->guard, ward->sync, false);
}

/* --- what the guard wants done --- */

static void on_lease(void *data, uint64_t until)
{
	struct ward *ward = data;

	ward->output = WARD_OUTPUT_LEASE;
	ward->lease = until;
	wards_watch(ward->wards);
	say_output(ward);
}

static void on_solo(void *data)
{
	struct ward *ward = data;

	/* One that has never been replicated under an arbiter, or was just started, holds nothing. */
	ward->is_free = ward->is_fresh || (ward->is.round == 0 && ward_state(ward) != WARD_TAKING);
	ward->output = WARD_OUTPUT_SOLO;
	if (ward_state(ward) == WARD_TAKING) {
		ward->is.generation++;
		ward_save(ward, NULL, NULL);
		ward_move(ward, WARD_ASKING, "it has taken over");
	} else if (ward_is(ward, PROTECTION_STANDBY)) {
		ward->is.role = PROTECTION_PRIMARY;
		ward_save(ward, NULL, NULL);
		if (ward_state(ward) == WARD_WAITING)
			ward_move(ward, WARD_ASKING, "its arbiter says that it runs here");
	}
	say_output(ward);
}

static void on_hold(void *data)
{
	struct ward *ward = data;

	ward->output = WARD_OUTPUT_HELD;
	say_output(ward);
}

static void on_beat(void *data, struct right right, uint64_t number, uint64_t heard)
{
	tell_worker(data,
	            json_pack("{s:s, s:I, s:I, s:I, s:I}", "verb", "beat", "generation",
	                      (json_int_t)right.generation, "round", (json_int_t)right.round,
	                      "number", (json_int_t)number, "heard", (json_int_t)heard),
	            PATIENCE, ignore);
}

static void on_sync(void *data, uint32_t peer, struct right right)
{
	char name[CLUSTER_NAME_SIZE];
	struct ward *ward = data;

	if (!cluster_name(ward->wards->settings.shared->cluster, peer, name) &&
	    strlen(name) < CONFIG_NAME_SIZE) {
		memset(ward->is.peer, 0, sizeof(ward->is.peer));
		strcpy(ward->is.peer, name);
	}
	ward_forget_attempt(ward);
	if (!guarded_ward_is_letting_go(ward))
		ward_rest(ward);
	ward->is.role = PROTECTION_PRIMARY;
	ward->is.generation = right.generation;
	ward->is.round = right.round;
	ward->sync = right;
	ward->is_syncing = true;
	ward->is_fresh = false;
	ward_save(ward, NULL, NULL);
	if (ward_state(ward) == WARD_WORKING || ward_state(ward) == WARD_TAKING)
		ward_move(ward, WARD_ASKING, "a standby is to be made anew");
	ward->ask_at = 0;
}

static void on_activated(const json_t *reply, void *data)
{
	struct ward *ward = data;
	const json_t *error;

	control_result(reply, &error);
	if (error)
		log_error("%s: its copy was not activated: %s", ward->who,
		          json_string_value(json_object_get(error, "message")));
	if (ward->guard)
		guard_activated(ward->guard, !error);
}

static void on_take_over(void *data, uint64_t until)
{
	struct ward *ward = data;
	bool is_told = false;

	if (ward_state(ward) == WARD_WORKING) {
		ward->is.role = PROTECTION_PRIMARY;
		/* The arbiter's record is durable; this one follows, or is mended by on_solo(). */
		ward_save(ward, NULL, NULL);
		is_told = tell_worker(ward,
		                      json_pack("{s:s, s:I}", "verb", "activate", "until",
		                                (json_int_t)until),
		                      LONG_PATIENCE, on_activated);
	}
	if (!is_told) {
		ward->is.role = PROTECTION_STANDBY;
		ward_save(ward, NULL, NULL);
		guard_activated(ward->guard, false);
		return;
	}
	ward->output = WARD_OUTPUT_HELD;
	ward_move(ward, WARD_TAKING, "its primary is gone");
}

/* Nothing of it may run any more; told when that is certain. */
static void on_drop(void *data)
{
	struct ward *ward = data;

	ward->is_dropping = true;
	ward->is_syncing = false;
	ward_forget_attempt(ward);
	ward_rest(ward);
	guarded_ward_tick(ward);
}

static void on_destroyed(const char *output, const char *why, void *data)
{
	struct ward *ward = data;

	ward->run = NULL;
	if (!output)
		log_error("%s: cannot be destroyed: %s", ward->who, why);
}

static void end_drop(struct ward *ward)
{
	ward->is_dropping = false;
	ward->is.role = PROTECTION_STANDBY;
	ward_save(ward, NULL, NULL);
	if (ward_state(ward) != WARD_WAITING) {
		if (ward_state(ward) != WARD_WORKING)
			ward_move(ward, WARD_WORKING, "its copy is given up");
		ward_move(ward, WARD_WAITING, "its copy is given up");
	}
	guard_dropped(ward->guard);
}

static void drop(struct ward *ward)
{
	const struct wards_settings *settings = &ward->wards->settings;
	char domid[12];
	const char *words[] = { settings->xl, "destroy", domid, NULL };
	struct host_vm vm;
	int err;

	if (child_is_on(&ward->child) || ward->run)
		return;
	err = settings->host->ops->find(settings->host, ward->is.uuid, &vm);
	if (err == -ENOENT)
		end_drop(ward);
	if (err) /* what is not known may run: looked at again */
		return;
	snprintf(domid, sizeof(domid), "%u", vm.domid);
	ward->run = program_run(settings->loop, words, XL_PATIENCE, on_destroyed, ward);
}

static void on_start(void *data)
{
	ward_start(data);
}

static void on_flushed(const json_t *reply, void *data)
{
	struct ward *ward = data;

	worker_link_close(ward->flushing);
	ward->flushing = NULL;
	if (ward->guard)
		guard_flushed(ward->guard, is_done(reply));
}

static void on_flush_link(void *data)
{
	struct ward *ward = data;

	worker_link_ask(ward->flushing, json_pack("{s:s}", "verb", "flush"), LONG_PATIENCE,
	                on_flushed, ward);
}

static const struct worker_link_events flush_events = { .opened = on_flush_link };

/* Over a link of its own: beats must not wait behind it. */
static void on_flush(void *data)
{
	struct ward *ward = data;

	if (ward->link && !ward->flushing)
		ward->flushing = worker_link_open(ward->wards->settings.loop, ward->paths.control,
		                                  &flush_events, ward);
	if (!ward->flushing)
		guard_flushed(ward->guard, false);
}

static void on_resume(void *data)
{
	tell_worker(data, json_pack("{s:s}", "verb", "resume"), PATIENCE, ignore);
}

static void on_alarm(void *data, enum alarm alarm)
{
	struct ward *ward = data;

	ward->alarm = alarm_name(alarm);
	ward_note_alarm(ward, alarm);
}

static void on_changed(void *data)
{
	(void)data;
}

static void on_unprotected(void *data, int err)
{
	struct ward *ward = data;

	if (err)
		ward_answer(ward,
		            control_refusal(CONTROL_FAILED, "remusctl status",
		                            "its record cannot be removed: %s", strerror(-err)));
	ward->is_over = !err;
}

static const struct guard_ops guard_ops = {
	.lease = on_lease,
	.solo = on_solo,
	.hold = on_hold,
	.beat = on_beat,
	.sync = on_sync,
	.take_over = on_take_over,
	.drop = on_drop,
	.start = on_start,
	.flush = on_flush,
	.resume = on_resume,
	.alarm = on_alarm,
	.changed = on_changed,
	.unprotected = on_unprotected,
};

/* --- its guard --- */

static void parse_uuid(const char *text, uint8_t uuid[16])
{
	for (unsigned int i = 0; i < 16; i++) {
		char digits[3] = { 0 };

		text += *text == '-';
		memcpy(digits, text, 2);
		uuid[i] = (uint8_t)strtoul(digits, NULL, 16);
		text += 2;
	}
}

int guarded_ward_open(struct ward *ward)
{
	struct host *host = ward->wards->settings.host;
	struct guard_settings settings = { .name = ward->is.name,
		                           .accept_split_brain = ward->is.accepts_split_brain,
		                           .times = fences_times(&ward->wards->config) };
	struct host_vm vm;
	int err;

	if (ward->guard)
		return 0;
	parse_uuid(ward->is.uuid, settings.vm);
	settings.is_running = ward_is(ward, PROTECTION_PRIMARY) &&
	                      !host->ops->find(host, ward->is.uuid, &vm);
	cluster_find(ward->wards->settings.shared->cluster, ward->is.peer, &settings.peer);
	err = guard_open(ward->wards->settings.shared, &settings, &guard_ops, ward, &ward->guard);
	if (err) {
		ward->guard = NULL;
		log_error("%s: nobody can decide for it: its record: %s", ward->who,
		          strerror(-err));
		return err;
	}
	guard_start(ward->guard);
	return 0;
}

json_t *guarded_ward_protect(struct ward *ward)
{
	const char *why = "its record cannot be read";
	uint32_t peer = 0;

	if (cluster_find(ward->wards->settings.shared->cluster, ward->is.peer, &peer))
		return control_refusal(CONTROL_FAILED, "the names of corosync.conf and remus.conf",
		                       "Corosync knows no host %s", ward->is.peer);
	if (guarded_ward_open(ward) || guard_protect(ward->guard, peer, &why))
		return control_refusal(CONTROL_BLOCKED, "remusctl doctor", "%s", why);
	return NULL;
}

void guarded_ward_reconfigure(struct ward *ward)
{
	const struct guard_times times = fences_times(&ward->wards->config);

	if (ward->guard)
		guard_reconfigure(ward->guard, &times);
}

void guarded_ward_close(struct ward *ward)
{
	worker_link_close(ward->flushing);
	ward->flushing = NULL;
	ward_start_leave(ward);
	if (ward->guard)
		guard_close(ward->guard);
	ward->guard = NULL;
}

/* What a worker that is gone has left held: only a worker can let it go. */
static void let_go(struct ward *ward)
{
	if (!ward->is.has_devices)
		ward->is_free = true;
	else if (ward->link)
		say_output(ward);
	else if (ward_state(ward) == WARD_ASKING && ward->is.port)
		ward_work(ward);
}

void guarded_ward_tick(struct ward *ward)
{
	if (ward->later && ward->until && wards_now(ward->wards) > ward->until)
		ward_answer(ward,
		            control_refusal(CONTROL_FAILED, "remusctl status",
		                            "its arbiter has not ended it yet; it may still"));
	if (ward->flushing && !ward->link) { /* the worker has gone before it heard of it */
		worker_link_close(ward->flushing);
		ward->flushing = NULL;
		guard_flushed(ward->guard, false);
	}
	if (ward->is_dropping)
		drop(ward);
	else if (ward->output == WARD_OUTPUT_SOLO && !ward->is_free)
		let_go(ward);
}
