/* The VM's copy lies here: prepared when its primary asks, given up when that says so, activated when the operator does. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "replication/daemon/checks.h"
#include "replication/daemon/ward.h"
#include "toolstack/control/codes.h"
#include "toolstack/control/message.h"

#define PORTS             256u /* behind that of remusd */
#define ACTIVATE_PATIENCE 300.0
#define XL_PATIENCE       120.0
#define RESTART_DELAY     2.0 /* of a worker that died */
/* After a takeover its old primary is not asked at once: it may be about to die. */
#define REPROTECT_DELAY 10.0

/* --- a port for its worker --- */

static bool is_port_ours(const struct wards *wards, unsigned int port)
{
	for (const struct ward *ward = wards->first; ward; ward = ward->next) {
		if (ward_is(ward, PROTECTION_STANDBY) && ward->is.port == port)
			return true;
	}
	return false;
}

static bool is_port_free(const char *address, unsigned int port)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		                  .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE };
	static const int on = 1;
	struct addrinfo *found;
	char service[8];
	int fd, err;

	snprintf(service, sizeof(service), "%u", port);
	if (getaddrinfo(address, service, &hints, &found))
		return false;
	fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	err = fd < 0;
	if (!err)
		err = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
		      bind(fd, found->ai_addr, found->ai_addrlen) || listen(fd, 1);
	if (fd >= 0)
		close(fd);
	freeaddrinfo(found);
	return !err;
}

/* 0: none is free. */
static uint16_t find_port(const struct wards *wards)
{
	unsigned int first = wards->config.port + 1u;

	for (unsigned int port = first; port < first + PORTS && port <= 65535; port++) {
		if (!is_port_ours(wards, port) && is_port_free(wards->config.listen, port))
			return (uint16_t)port;
	}
	return 0;
}

/* --- prepare --- */

/* Why the peer cannot have this VM's standby here, as things stand; NULL: it can. */
static json_t *refuse_state(const struct wards *wards, const struct ward *ward, const char *peer,
                            const struct protection *asked)
{
	struct host *host = wards->settings.host;
	const struct protection *ours = &ward->is;
	struct host_vm vm;

	if (ward_state(ward) == WARD_TAKING || ward_state(ward) == WARD_LEAVING ||
	    ward_state(ward) == WARD_NEW || ward_state(ward) == WARD_BROKEN)
		return control_refusal(CONTROL_WRONG_STATE, "remusctl status, on both hosts",
		                       "%s: %s is %s there", wards->config.name, ours->name,
		                       machine_state_name(&ward->machine));
	if (strcasecmp(ours->uuid, asked->uuid) || strcmp(ours->peer, peer))
		return control_refusal(CONTROL_WRONG_STATE, "remusctl unprotect, where that is",
		                       "%s: another VM called %s, or one of another host, is "
		                       "protected there",
		                       wards->config.name, ours->name);
	if (asked->generation < ours->generation)
		return control_refusal(CONTROL_WRONG_STATE, "remusctl status, on both hosts",
		                       "%s has gone on with %s: the copy that asks is of the past",
		                       wards->config.name, ours->name);
	if (ward_is(ward, PROTECTION_STANDBY))
		return NULL;
	if (asked->generation == ours->generation || ward->guard ||
	    !host->ops->find(host, ours->uuid, &vm))
		return control_refusal(CONTROL_WRONG_STATE,
		                       "xl destroy the copy that is not to live on",
		                       "%s runs %s, too, or is its primary", wards->config.name,
		                       ours->name);
	return NULL;
}

static bool is_same(const struct protection *one, const struct protection *other)
{
	struct protection copy = *other;

	copy.port = one->port;
	return protection_is_same(one, &copy);
}

/* The number of the domain that is the copy; 0: there is none. A standby's record says that it was never activated. */
static unsigned int copy_of(const struct ward *ward)
{
	struct host *host = ward->wards->settings.host;
	struct host_vm vm;

	return ward_is(ward, PROTECTION_STANDBY) && !host->ops->look(host, ward->is.domid, &vm) &&
	                       !strcasecmp(vm.uuid, ward->is.uuid)
	               ? ward->is.domid
	               : 0;
}

/* Takes over nothing; the reply. */
static json_t *begin(struct wards *wards, struct ward *ward, const struct protection *asked,
                     json_t *listing)
{
	struct protection is = *asked;

	is.port = ward && ward->is.port && ward_is(ward, PROTECTION_STANDBY) ? ward->is.port
	                                                                     : find_port(wards);
	if (!is.port)
		return control_refusal(CONTROL_FAILED, "ss -ltn", "%s has no free port",
		                       wards->config.name);
	if (!ward)
		ward = ward_new(wards, &is, WARD_WAITING);
	if (!ward)
		return control_refusal(CONTROL_FAILED, "", "no memory");
	ward->is = is;
	ward_keep(ward, listing);
	ward_save(ward, NULL, NULL);
	ward_forget_attempt(ward);
	if (ward_state(ward) == WARD_ASKING)
		ward_move(ward, WARD_ABSENT, "its peer has gone on with it");
	if (ward_state(ward) != WARD_WORKING)
		ward_move(ward, WARD_WORKING, "its primary asks for a standby");
	ward->ask_at = 0;
	if (is.is_arbitrated && wards->settings.shared)
		guarded_ward_open(ward);
	if (!ward_rest(ward))
		standby_ward_tick(ward);
	return control_success(json_pack("{s:i}", "port", (int)is.port));
}

/* Nothing stands against it: from here on there is a guard that answers the other one. */
static json_t *expect(struct wards *wards, struct ward *ward, const struct protection *asked)
{
	bool is_new = !ward;

	if (is_new)
		ward = ward_new(wards, asked, WARD_WAITING);
	if (ward && !guarded_ward_open(ward)) {
		ward_save(ward, NULL, NULL);
		return control_success(json_object());
	}
	if (ward && is_new)
		ward_free(ward);
	return control_refusal(CONTROL_FAILED, "journalctl -u remusd",
	                       "%s cannot keep what it is asked", wards->config.name);
}

/* is_look: whether it could be, and no more than a guard. */
static json_t *prepare(struct wards *wards, const char *peer, struct protection *asked,
                       json_t *listing, bool is_look)
{
	struct ward *ward = wards_find(wards, asked->name);
	struct vm_config config;
	const char *wrong = vm_config_read(&config, listing);
	json_t *refusal, *blockers;

	if (!wrong && (strcmp(config.name, asked->name) || strcasecmp(config.uuid, asked->uuid)))
		wrong = "its configuration is of another VM";
	if (wrong)
		return control_refusal(CONTROL_BAD_REQUEST, "the same version on both hosts", "%s",
		                       wrong);
	if (asked->is_arbitrated && !wards_have_cluster(wards))
		return control_refusal(CONTROL_WRONG_STATE, "systemctl status corosync",
		                       "%s: Corosync does not answer there", wards->config.name);
	refusal = ward ? refuse_state(wards, ward, peer, asked) : NULL;
	if (refusal)
		return refusal;
	if (ward && child_is_on(&ward->child) && !ward->child.is_stopping &&
	    is_same(&ward->is, asked))
		return control_success(json_pack("{s:i}", "port", (int)ward->is.port));
	blockers = checks_standby(wards->settings.host, &wards->config, asked, &config,
	                          ward ? copy_of(ward) : 0);
	if (json_array_size(blockers))
		return checks_refusal(wards->config.name, asked->name, blockers);
	json_decref(blockers);
	return is_look ? expect(wards, ward, asked) : begin(wards, ward, asked, listing);
}

json_t *standby_prepare(struct wards *wards, const char *peer, const json_t *request)
{
	char why[PROTECTION_WHY_SIZE] = "a request to prepare has a protection and a listing";
	json_t *said, *listing;
	struct protection asked;
	const char *verb;

	if (json_unpack_ex((json_t *)(uintptr_t)request, NULL, JSON_STRICT, "{s:s, s:o, s:o}",
	                   "verb", &verb, "protection", &said, "listing", &listing) ||
	    protection_from_json(&asked, said, why))
		return control_refusal(CONTROL_BAD_REQUEST, "the same version on both hosts", "%s",
		                       why);
	asked.role = PROTECTION_STANDBY;
	memset(asked.peer, 0, sizeof(asked.peer));
	snprintf(asked.peer, sizeof(asked.peer), "%s", peer);
	return prepare(wards, peer, &asked, listing, !strcmp(verb, "look"));
}

/* --- forget --- */

json_t *standby_forget(struct wards *wards, const char *peer, const json_t *request)
{
	const char *verb, *name, *uuid;
	struct ward *ward;

	if (json_unpack_ex((json_t *)(uintptr_t)request, NULL, JSON_STRICT, "{s:s, s:s, s:s}",
	                   "verb", &verb, "vm", &name, "uuid", &uuid))
		return control_refusal(CONTROL_BAD_REQUEST, "the same version on both hosts",
		                       "a request to forget has a vm and a uuid");
	ward = wards_find(wards, name);
	if (!ward || strcasecmp(ward->is.uuid, uuid) || strcmp(ward->is.peer, peer))
		return control_success(json_object());
	if (!ward_is(ward, PROTECTION_STANDBY))
		return control_refusal(CONTROL_WRONG_STATE, "remusctl status, on both hosts",
		                       "%s has gone on with %s", wards->config.name, name);
	if (ward_state(ward) != WARD_LEAVING)
		leaving_ward_begin(ward, true, NULL);
	return control_success(json_object());
}

/* --- activate, by hand --- */

static void on_activated(const json_t *reply, void *data)
{
	struct ward *ward = data;
	const json_t *error;

	control_result(reply, &error);
	if (error &&
	    !strcmp(json_string_value(json_object_get(error, "code")), CONTROL_NO_DAEMON)) {
		log_error("%s: its worker died while it activated the copy: it may run, or not",
		          ward->who);
		ward_move(ward, WARD_ASKING, "it is not known whether it runs");
		ward_answer(ward, json_incref((json_t *)(uintptr_t)reply));
		return;
	}
	if (error) {
		ward->is = ward->before;
		ward_save(ward, NULL, NULL);
		ward_move(ward, WARD_WORKING, "it was not activated");
		ward_answer(ward, json_incref((json_t *)(uintptr_t)reply));
		return;
	}
	ward_note(ward, "activate", "ordered by the operator: it runs here, unprotected");
	ward->ask_at = wards_in(ward->wards, REPROTECT_DELAY);
	ward_move(ward, WARD_ASKING, "it runs here");
	ward_rest(ward);
	ward_answer(ward, control_success(json_pack("{s:s, s:I}", "vm", ward->is.name, "generation",
	                                            (json_int_t)ward->is.generation)));
}

/* The next generation is durable before anything of it runs (I5). */
static void on_recorded(void *data, int err)
{
	struct ward *ward = data;

	if (!err && ward->link) {
		worker_link_ask(ward->link, json_pack("{s:s}", "verb", "activate"),
		                ACTIVATE_PATIENCE, on_activated, ward);
		return;
	}
	ward->is = ward->before;
	ward_save(ward, NULL, NULL);
	ward_move(ward, WARD_WORKING, "it was not activated");
	ward_answer(ward,
	            err ? control_refusal(CONTROL_FAILED, "remusctl doctor",
	                                  "%s cannot be written to", ward->wards->settings.ledger)
	                : control_refusal(CONTROL_FAILED, "remusctl status",
	                                  "the worker that has the copy of %s has ended",
	                                  ward->is.name));
}

void standby_ward_activate(struct ward *ward, struct control_later *later)
{
	ward->later = later;
	if (ward->guard) {
		ward_answer(ward,
		            control_refusal(CONTROL_WRONG_STATE,
		                            "remusctl fence --confirm, once its host is off",
		                            "%s has an arbiter, which decides when its copy runs",
		                            ward->is.name));
		return;
	}
	if (ward_state(ward) != WARD_WORKING || strcmp(ward_worker_state(ward), "ready")) {
		ward_answer(ward, control_refusal(CONTROL_WRONG_STATE, "remusctl status",
		                                  "there is no whole copy of %s on this host",
		                                  ward->is.name));
		return;
	}
	ward->before = ward->is;
	ward->is.role = PROTECTION_PRIMARY;
	ward->is.generation++;
	ward->is.port = 0;
	ward_move(ward, WARD_TAKING, "ordered by the operator");
	ward_save(ward, on_recorded, ward);
}

/* --- as time goes by --- */

static void on_destroyed(const char *output, const char *why, void *data)
{
	struct ward *ward = data;

	ward->run = NULL;
	if (!output)
		log_warning("%s: what a dead worker left cannot be destroyed: %s", ward->who, why);
	ward->ask_at = wards_in(ward->wards, output ? 0. : RESTART_DELAY);
}

/* A worker that was killed leaves its domain behind, which is of no use to the next one. */
static void start(struct ward *ward)
{
	const struct wards_settings *settings = &ward->wards->settings;
	char domid[12];
	const char *words[] = { settings->xl, "destroy", domid, NULL };

	snprintf(domid, sizeof(domid), "%u", copy_of(ward));
	if (!copy_of(ward)) {
		ward_work(ward);
		return;
	}
	log_warning("%s: domain %s, left by a dead worker, is destroyed", ward->who, domid);
	ward->run = program_run(settings->loop, words, XL_PATIENCE, on_destroyed, ward);
}

void standby_ward_tick(struct ward *ward)
{
	bool is_off = ward_state(ward) == WARD_WORKING && !child_is_on(&ward->child);

	if (is_off && !ward->run && wards_now(ward->wards) >= ward->ask_at)
		start(ward);
	ward_look(ward);
}

/* Its primary connects again and again, and asks anew when that does not help. */
void standby_ward_ended(struct ward *ward)
{
	if (!ward->child.is_stopping)
		ward->ask_at = wards_in(ward->wards, RESTART_DELAY);
}
