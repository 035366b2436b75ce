/* The VM runs here: its peer is asked for a standby, and its worker kept in step with what it is. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>

#include "common/log.h"
#include "replication/daemon/checks.h"
#include "replication/daemon/ward.h"
#include "toolstack/control/codes.h"
#include "toolstack/control/message.h"

#define XL_PATIENCE   60.0
#define ASK_PATIENCE  90.0
#define BACKOFF_FIRST 2.0
#define BACKOFF_MAX   30.0

void ward_forget_attempt(struct ward *ward)
{
	if (ward->run)
		program_drop(ward->run);
	if (ward->talk)
		peers_drop(ward->talk);
	ward->run = NULL;
	ward->talk = NULL;
}

static const char *text_of(const json_t *reply, const char *field)
{
	const char *text = json_string_value(
		json_object_get(json_object_get(reply, "error"), field));

	return text ? text : "";
}

static void try_later(struct ward *ward)
{
	ward->backoff = ward->backoff ? ward->backoff * 2 : BACKOFF_FIRST;
	if (ward->backoff > BACKOFF_MAX)
		ward->backoff = BACKOFF_MAX;
	ward->ask_at = wards_in(ward->wards, ward->backoff);
}

/* The attempt has failed; takes over the refusal. The same one again and again is logged once. */
static void refuse(struct ward *ward, json_t *refusal)
{
	if (ward_state(ward) == WARD_NEW) {
		ward_answer(ward, refusal);
		ward_remove(ward, NULL, NULL);
		ward_free(ward);
		return;
	}
	if (strcmp(text_of(refusal, "message"), text_of(ward->refusal, "message")))
		log_warning("%s: no standby: %s [%s]", ward->who, text_of(refusal, "message"),
		            text_of(refusal, "code"));
	json_decref(ward->refusal);
	ward->refusal = refusal;
	try_later(ward);
	guarded_ward_refused(ward);
}

/* With a guard, the first question is whether the peer could; it is asked to when the guard wants a standby. */
static bool is_look(const struct ward *ward)
{
	return ward_state(ward) == WARD_NEW && ward->is.is_arbitrated;
}

static json_t *refuse_unsaved(const struct ward *ward)
{
	return control_refusal(CONTROL_FAILED, "remusctl doctor", "%s cannot be written to",
	                       ward->wards->settings.ledger);
}

/* When it has moved, it can come back to this host only if that lets its peer have the disks. NULL: it does. */
static json_t *warning(const struct ward *ward)
{
	const struct config *here = &ward->wards->config;

	for (unsigned int i = 0; i < ward->is.disk_count; i++) {
		if (checks_may_have_image(here, ward->is.disks[i].path))
			continue;
		log_warning(
			"%s: %s is not below `images` of this host's configuration: it cannot come "
			"back here",
			ward->who, ward->is.disks[i].path);
		return json_sprintf(
			"%s is not below `images` of %s: once %s has moved, it cannot come "
			"back",
			ward->is.disks[i].path, here->name, ward->is.name);
	}
	return NULL;
}

static void answer_protected(struct ward *ward)
{
	if (ward->later)
		ward_answer(ward, control_success(json_pack("{s:s, s:s, s:o*}", "vm", ward->is.name,
		                                            "peer", ward->is.peer, "warning",
		                                            warning(ward))));
}

static void begin_to_work(struct ward *ward, bool is_moved)
{
	ward->ask_at = wards_in(ward->wards, BACKOFF_MAX);
	ward->backoff = 0;
	if (ward_state(ward) == WARD_NEW)
		ward_note(ward, "protect", "ordered by the operator");
	if (ward_state(ward) != WARD_WORKING)
		ward_move(ward, WARD_WORKING, "its peer has a standby ready");
	if (is_moved)
		ward_work(ward);
	answer_protected(ward);
}

static void on_recorded(void *data, int err)
{
	struct ward *ward = data;

	if (err)
		refuse(ward, refuse_unsaved(ward));
	else
		begin_to_work(ward, true);
}

/* One that is new runs protected only once that is durable. */
static void agree(struct ward *ward, uint16_t port)
{
	bool is_moved = ward->is.port != port || ward_state(ward) != WARD_WORKING;

	json_decref(ward->refusal);
	ward->refusal = NULL;
	ward->is.port = port;
	if (ward_state(ward) == WARD_NEW) {
		ward_save(ward, on_recorded, ward);
		return;
	}
	ward_save(ward, NULL, NULL);
	begin_to_work(ward, is_moved);
}

/* Of a NEW one that is to have a guard: the peer could. From here on that decides. */
static void on_recorded_for_guard(void *data, int err)
{
	struct ward *ward = data;
	json_t *refusal = err ? refuse_unsaved(ward) : guarded_ward_protect(ward);

	if (refusal) {
		refuse(ward, refusal);
		return;
	}
	ward_note(ward, "protect", "ordered by the operator");
	ward_move(ward, WARD_ASKING, "its guard decides");
	answer_protected(ward);
}

static void on_prepared(const json_t *reply, void *data)
{
	struct ward *ward = data;
	const json_t *error;
	const json_t *result = control_result(reply, &error);
	json_int_t port = json_integer_value(json_object_get(result, "port"));

	ward->talk = NULL;
	if (error)
		refuse(ward, json_incref((json_t *)(uintptr_t)reply));
	else if (is_look(ward))
		ward_save(ward, on_recorded_for_guard, ward);
	else if (port < 1 || port > 65535)
		refuse(ward,
		       control_refusal(CONTROL_NO_PEER, "the same version on both hosts",
		                       "%s does not say where its standby listens", ward->is.peer));
	else
		agree(ward, (uint16_t)port);
}

/* Asks the peer. */
static void ask(struct ward *ward, json_t *listing)
{
	struct wards *wards = ward->wards;
	struct protection theirs = ward->is;
	json_t *request;

	theirs.role = PROTECTION_STANDBY;
	snprintf(theirs.peer, sizeof(theirs.peer), "%s", wards->config.name);
	request = json_pack("{s:s, s:o, s:O}", "verb", is_look(ward) ? "look" : "prepare",
	                    "protection", protection_to_json(&theirs), "listing", listing);
	if (wards->peers)
		ward->talk = peers_ask(wards->peers, ward->is.peer, request, ASK_PATIENCE,
		                       on_prepared, ward);
	else
		json_decref(request);
	if (!ward->talk)
		refuse(ward, control_refusal(CONTROL_NO_PEER, "remusctl doctor",
		                             "peers cannot be asked: %s", wards->peers_why));
}

static void check(struct ward *ward, json_t *listing)
{
	struct host *host = ward->wards->settings.host;
	struct vm_config config;
	const char *wrong = vm_config_read(&config, listing);
	json_t *blockers;

	if (!wrong && strcasecmp(config.uuid, ward->is.uuid))
		wrong = "it has been replaced by another VM meanwhile";
	if (!wrong && strcmp(config.name, ward->is.name))
		wrong = "it was given another name: xl rename it back";
	if (!wrong)
		wrong = host->ops->disks(host, ward->is.domid, &ward->is);
	if (wrong) {
		refuse(ward, control_refusal(CONTROL_FAILED, "xl list -l", "%s: %s", ward->is.name,
		                             wrong));
		return;
	}
	ward->is.has_devices = ward->is.disk_count || config.bridge_count;
	blockers = checks_primary(&ward->is, &config);
	if (json_array_size(blockers)) {
		refuse(ward, checks_refusal(ward->wards->config.name, ward->is.name, blockers));
		return;
	}
	json_decref(blockers);
	ward_keep(ward, listing);
	ask(ward, listing);
}

static void on_listed(const char *output, const char *why, void *data)
{
	struct ward *ward = data;
	json_t *listing = output ? json_loads(output, JSON_REJECT_DUPLICATES, NULL) : NULL;

	ward->run = NULL;
	if (listing)
		check(ward, listing);
	else
		refuse(ward, control_refusal(CONTROL_FAILED, "xl list -l", "xl list -l %s: %s",
		                             ward->is.name, output ? "not JSON" : why));
	json_decref(listing);
}

void primary_ward_ask(struct ward *ward)
{
	struct wards *wards = ward->wards;
	char domid[8];
	/* By its number: another VM may have its name. */
	const char *words[] = { wards->settings.xl, "list", "-l", domid, NULL };

	snprintf(domid, sizeof(domid), "%u", ward->is.domid);

	ward->run = program_run(wards->settings.loop, words, XL_PATIENCE, on_listed, ward);
	if (!ward->run)
		refuse(ward, control_refusal(CONTROL_FAILED, "", "no memory"));
}

/* It runs here, under that number. */
static void follow(struct ward *ward, unsigned int domid)
{
	bool is_other = ward->is.domid != domid;

	if (is_other) {
		log_info("%s: is domain %u now", ward->who, domid);
		ward->is.domid = (uint16_t)domid;
		ward_save(ward, NULL, NULL);
		ward_forget_attempt(ward);
		ward_rest(ward);
	}
	if (ward_state(ward) == WARD_ABSENT)
		ward_move(ward, WARD_ASKING, "it runs");
	else if (is_other && ward_state(ward) == WARD_WORKING)
		ward_move(ward, WARD_ASKING, "its domain is another");
	else
		return;
	ward->ask_at = 0;
}

static void miss(struct ward *ward)
{
	ward_forget_attempt(ward);
	if (ward_rest(ward) || ward_state(ward) == WARD_ABSENT)
		return;
	log_error("%s: should be protected, and does not run on this host", ward->who);
	ward_move(ward, WARD_ABSENT, "it does not run");
}

void primary_ward_tick(struct ward *ward)
{
	struct host *host = ward->wards->settings.host;
	double now = wards_now(ward->wards);
	struct host_vm vm;
	bool is_lonely;

	if (ward_state(ward) == WARD_NEW || ward_state(ward) == WARD_TAKING)
		return;
	/* Its name may be another now, or be another VM's as well. */
	if (host->ops->find(host, ward->is.uuid, &vm) || strcasecmp(vm.uuid, ward->is.uuid)) {
		miss(ward);
		return;
	}
	ward_note_run(ward);
	follow(ward, vm.domid);
	ward_look(ward);
	if (ward->guard && (!ward->is_syncing || guarded_ward_is_letting_go(ward)))
		return; /* it says when a standby is to be made */
	is_lonely = ward_state(ward) == WARD_ASKING ||
	            (ward_state(ward) == WARD_WORKING && now > ward->lonely_at);
	if (is_lonely && !ward->run && !ward->talk && now >= ward->ask_at)
		primary_ward_ask(ward);
}

void primary_ward_ended(struct ward *ward)
{
	if (ward_state(ward) == WARD_WORKING) {
		ward_move(ward, WARD_ASKING, "its worker has ended");
		try_later(ward);
	}
}
