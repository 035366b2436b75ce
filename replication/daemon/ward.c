/* One protected VM: its states, its file, its worker. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/daemon/ward.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "toolstack/control/message.h"

#define STATUS_PATIENCE 20.0
#define LONELY          5.0

static const struct state states_table[WARD_STATES] = {
	[WARD_NEW] = { "new", STATE_BIT(WARD_WORKING) | STATE_BIT(WARD_ASKING) },
	[WARD_ABSENT] = { "absent", STATE_BIT(WARD_ASKING) | STATE_BIT(WARD_LEAVING) |
	                                    STATE_BIT(WARD_WORKING) },
	[WARD_ASKING] = { "asking", STATE_BIT(WARD_WORKING) | STATE_BIT(WARD_ABSENT) |
	                                    STATE_BIT(WARD_LEAVING) },
	[WARD_WORKING] = { "working", STATE_BIT(WARD_ASKING) | STATE_BIT(WARD_ABSENT) |
	                                      STATE_BIT(WARD_WAITING) | STATE_BIT(WARD_TAKING) |
	                                      STATE_BIT(WARD_LEAVING) },
	[WARD_WAITING] = { "waiting", STATE_BIT(WARD_WORKING) | STATE_BIT(WARD_LEAVING) |
	                                      STATE_BIT(WARD_ASKING) },
	[WARD_TAKING] = { "taking", STATE_BIT(WARD_WORKING) | STATE_BIT(WARD_ASKING) },
	[WARD_LEAVING] = { "leaving", 0 },
	[WARD_BROKEN] = { "broken", STATE_BIT(WARD_LEAVING) },
};

enum ward_state ward_state(const struct ward *ward)
{
	return ward->machine.current;
}

bool ward_is(const struct ward *ward, enum protection_role role)
{
	return ward->is.role == role;
}

void ward_move(struct ward *ward, enum ward_state state, const char *cause)
{
	machine_move(&ward->machine, state, cause);
	ward->since = wards_now(ward->wards);
	ward_note_state(ward);
}

void ward_answer(struct ward *ward, json_t *reply)
{
	if (ward->later)
		control_reply(ward->later, reply);
	else
		json_decref(reply);
	ward->later = NULL;
}

const char *ward_worker_state(const struct ward *ward)
{
	const char *state = json_string_value(json_object_get(ward->status, "state"));

	return state && ward->link ? state : "";
}

bool ward_is_connected(const struct ward *ward)
{
	return ward->link && json_is_true(json_object_get(ward->status, "connected"));
}

static void on_status(const json_t *reply, void *data)
{
	struct ward *ward = data;
	const json_t *error;
	const json_t *status = control_result(reply, &error);

	ward->is_asked = false;
	json_decref(ward->status);
	ward->status = json_is_object(status) ? json_incref((json_t *)(uintptr_t)status) : NULL;
	ward->status_ms = (int64_t)(ev_now(ward->wards->settings.loop) * 1000);
	if (ward_is_connected(ward))
		ward->lonely_at = wards_in(ward->wards, LONELY);
	ward_note_state(ward);
}

void ward_look(struct ward *ward)
{
	if (!ward->link || ward->is_asked)
		return;
	ward->is_asked = true;
	worker_link_ask(ward->link, json_pack("{s:s}", "verb", "status"), STATUS_PATIENCE,
	                on_status, ward);
}

static void close_link(struct ward *ward)
{
	worker_link_close(ward->link);
	ward->link = NULL;
	json_decref(ward->progress);
	ward->progress = NULL;
	ward->is_asked = false;
	json_decref(ward->status);
	ward->status = NULL;
}

static void on_link(void *data)
{
	struct ward *ward = data;

	worker_link_ask(ward->link, json_pack("{s:s}", "verb", "watch"), STATUS_PATIENCE, NULL,
	                NULL);
	if (ward->guard)
		guarded_ward_opened(ward);
}

static void on_event(const json_t *event, void *data)
{
	struct ward *ward = data;
	const char *kind = json_string_value(json_object_get(event, "event"));

	if (kind && !strcmp(kind, "progress")) {
		json_decref(ward->progress);
		ward->progress = json_incref((json_t *)(uintptr_t)event);
	}
	if (ward->guard)
		guarded_ward_event(ward, event);
}

static const struct worker_link_events link_events = { .opened = on_link, .event = on_event };

static void start(struct ward *ward);

static void on_ended(struct child *child)
{
	struct ward *ward = child->data;
	struct wards *wards = ward->wards;

	close_link(ward);
	worker_file_remove(&ward->paths);
	if (wards->is_stopping)
		wards_stop(wards);
	else if (ward_state(ward) == WARD_LEAVING)
		leaving_ward_ended(ward);
	else if (ward->is_wanted)
		start(ward);
	else if (ward_is(ward, PROTECTION_PRIMARY))
		primary_ward_ended(ward);
	else
		standby_ward_ended(ward);
}

static void start(struct ward *ward)
{
	struct wards *wards = ward->wards;
	int err = worker_paths(&ward->paths, wards->settings.run, &ward->is);

	ward->is_wanted = false;
	if (!err)
		err = worker_file_write(&ward->paths, &ward->is, &wards->config,
		                        ward_is(ward, PROTECTION_STANDBY) ? ward->listing : NULL);
	if (!err)
		ward->link = worker_link_open(wards->settings.loop, ward->paths.control,
		                              &link_events, ward);
	if (err || !ward->link) {
		log_error("%s: its worker cannot be told what to do: %s", ward->who,
		          strerror(err ? -err : ENOMEM));
		return;
	}
	snprintf(ward->program, sizeof(ward->program), "%s/remus-%s", wards->settings.programs,
	         protection_role_name(ward->is.role));
	ward->lonely_at = wards_in(wards, LONELY);
	ward->child = (struct child){ .loop = wards->settings.loop,
		                      .program = ward->program,
		                      .argument = ward->paths.file,
		                      .who = ward->who,
		                      .is_once = ward_is(ward, PROTECTION_STANDBY),
		                      .ended = on_ended,
		                      .data = ward };
	child_start(&ward->child);
}

void ward_work(struct ward *ward)
{
	if (ward_rest(ward))
		ward->is_wanted = true;
	else
		start(ward);
}

bool ward_rest(struct ward *ward)
{
	ward->is_wanted = false;
	if (child_stop(&ward->child))
		return true;
	if (ward->link) {
		close_link(ward);
		worker_file_remove(&ward->paths);
	}
	return false;
}

struct ward *ward_new(struct wards *wards, const struct protection *protection,
                      enum ward_state state)
{
	struct ward *ward = calloc(1, sizeof(*ward));

	if (!ward)
		return NULL;
	ward->wards = wards;
	ward->is = *protection;
	snprintf(ward->who, sizeof(ward->who), "VM %s", protection->name);
	machine_init(&ward->machine, states_table, state, ward->who);
	ward->since = wards_now(wards);
	ward->next = wards->first;
	wards->first = ward;
	return ward;
}

void ward_free(struct ward *ward)
{
	struct ward **at = &ward->wards->first;

	while (*at != ward)
		at = &(*at)->next;
	*at = ward->next;
	ward_forget_attempt(ward);
	errand_ward_forget(ward);
	settings_ward_forget(ward);

	ward_save_leave(ward);
	close_link(ward);
	ward_answer(ward, NULL);
	guarded_ward_close(ward);
	json_decref(ward->refusal);
	json_decref(ward->listing);
	free(ward);
}
