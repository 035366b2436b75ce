/* The end of a protection: the standby is told to forget, held output is let go, the worker ends, the file is removed. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>

#include "common/log.h"
#include "replication/daemon/ward.h"
#include "toolstack/control/codes.h"
#include "toolstack/control/message.h"

#define ASK_PATIENCE     60.0
#define RELEASE_PATIENCE 20.0
#define PATIENCE         120.0

static void on_removed(void *data, int err)
{
	struct ward *ward = data;

	ward->is_removing = false;
	if (err) {
		ward_answer(ward,
		            control_refusal(CONTROL_FAILED, "remusctl unprotect, again",
		                            "its file cannot be removed: %s", strerror(-err)));
		return;
	}
	ward_note(ward, "unprotect", "it is not protected any more");
	ward_answer(ward, control_success(json_pack("{s:s}", "vm", ward->is.name)));
	ward_free(ward);
}

static void finish(struct ward *ward)
{
	if (ward->is_removing)
		return;
	ward->is_removing = true;
	ward_remove(ward, on_removed, ward);
}

void leaving_ward_ended(struct ward *ward)
{
	finish(ward);
}

static void end_worker(struct ward *ward)
{
	if (!ward_rest(ward))
		finish(ward);
}

static void on_released(const json_t *reply, void *data)
{
	struct ward *ward = data;
	const json_t *error;

	control_result(reply, &error);
	ward->is_released = !error;
}

/* The worker goes when its VM's output is free: what it leaves held, stays held. */
static void let_go(struct ward *ward)
{
	bool is_held = json_is_true(json_object_get(ward->status, "held"));
	struct host *host = ward->wards->settings.host;
	struct host_vm vm;

	if (!child_is_on(&ward->child) || ward_is(ward, PROTECTION_STANDBY) ||
	    host->ops->look(host, ward->is.domid, &vm)) {
		end_worker(ward);
		return;
	}
	if (*ward_worker_state(ward) && !is_held)
		end_worker(ward);
	else if (!strcmp(ward_worker_state(ward), "waiting") && !ward->is_released)
		worker_link_ask(ward->link, json_pack("{s:s}", "verb", "release"), RELEASE_PATIENCE,
		                on_released, ward);
}

static void on_forgotten(const json_t *reply, void *data)
{
	struct ward *ward = data;
	const json_t *error;

	control_result(reply, &error);
	ward->talk = NULL;
	if (error && !ward->is_forced) {
		ward_answer(ward, json_incref((json_t *)(uintptr_t)reply));
		return;
	}
	if (error)
		log_warning("%s: %s has not been told that it is no standby any more: %s",
		            ward->who, ward->is.peer,
		            json_string_value(json_object_get(error, "message")));
	ward_move(ward, WARD_LEAVING, "unprotected by the operator");
	leaving_ward_tick(ward);
}

static void ask_to_forget(struct ward *ward)
{
	json_t *request = json_pack("{s:s, s:s, s:s}", "verb", "forget", "vm", ward->is.name,
	                            "uuid", ward->is.uuid);

	ward->talk = peers_ask(ward->wards->peers, ward->is.peer, request, ASK_PATIENCE,
	                       on_forgotten, ward);
	if (!ward->talk)
		ward_answer(ward, control_refusal(CONTROL_FAILED, "", "no memory"));
}

static void on_record_gone(void *data, int err)
{
	(void)data;
	if (err)
		log_error("the record of a VM that is not protected any more cannot be removed: %s",
		          strerror(-err));
}

void leaving_ward_begin(struct ward *ward, bool is_forced, struct control_later *later)
{
	struct wards *wards = ward->wards;

	ward_forget_attempt(ward);
	ward->later = later;
	ward->is_forced = is_forced;
	ward->until = wards_in(wards, PATIENCE);
	if (ward->guard) { /* it ends first: then leaving_ward_begin() again */
		if (!guard_unprotect(ward->guard))
			return;
		if (!is_forced) {
			ward_answer(ward, control_refusal(CONTROL_WRONG_STATE, "remusctl status",
			                                  "the arbiter of %s cannot end it now",
			                                  ward->is.name));
			return;
		}
		guarded_ward_close(ward);
		writer_write(wards->settings.shared->writer, ward->is.uuid, NULL, on_record_gone,
		             ward);
	}
	if (ward_is(ward, PROTECTION_PRIMARY) && ward_state(ward) != WARD_BROKEN && wards->peers) {
		ask_to_forget(ward);
		return;
	}
	if (ward_is(ward, PROTECTION_PRIMARY) && ward_state(ward) != WARD_BROKEN && !is_forced) {
		ward_answer(ward, control_refusal(CONTROL_NO_PEER, "remusctl doctor",
		                                  "%s cannot be asked: %s", ward->is.peer,
		                                  wards->peers_why));
		return;
	}
	ward_move(ward, WARD_LEAVING, "unprotected by the operator");
	leaving_ward_tick(ward);
}

void leaving_ward_tick(struct ward *ward)
{
	if (ward->later && wards_now(ward->wards) > ward->until)
		ward_answer(ward, control_refusal(CONTROL_FAILED, "remusctl status",
		                                  "its held output could not be let go yet; it is "
		                                  "tried on"));
	ward_look(ward);
	let_go(ward);
}
