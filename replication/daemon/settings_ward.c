/* How a VM is replicated, changed while it is: kept, told to its worker, and to the host of its standby. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "replication/daemon/ward.h"
#include "replication/daemon/worker_file.h"
#include "toolstack/control/codes.h"
#include "toolstack/control/message.h"

#define WORKER_PATIENCE 20.0
#define PEER_PATIENCE   20.0
#define TELL_AGAIN      30.0

static json_t *tell(const struct ward *ward)
{
	const struct config_vm_defaults *settings = &ward->is.settings;
	char exempt[EXEMPT_TEXT_SIZE];

	return control_success(json_pack("{s:s, s:I, s:I, s:I, s:s}", "vm", ward->is.name,
	                                 "interval", (json_int_t)settings->interval, "budget",
	                                 (json_int_t)settings->budget, "memory",
	                                 (json_int_t)settings->memory, "exempt",
	                                 exempt_write(&settings->exempt, exempt)));
}

/* False: it is no number within these; NULL says nothing. */
static bool parse(const char *text, uint32_t least, uint32_t most, uint32_t *value)
{
	char *end;
	unsigned long number;

	if (!text)
		return true;
	if (*text < '0' || *text > '9')
		return false;
	number = strtoul(text, &end, 10);
	if (*end || number < least || number > most)
		return false;
	*value = (uint32_t)number;
	return true;
}

json_t *settings_read(struct config_vm_defaults *settings, const struct wards_change *change)
{
	const char *wrong;

	if (!parse(change->interval, 1, CONFIG_INTERVAL_MAX, &settings->interval))
		return control_refusal(CONTROL_USAGE, "interval=25", "interval is 1 to %u ms",
		                       CONFIG_INTERVAL_MAX);
	if (!parse(change->budget, CONFIG_BUDGET_MIN, CONFIG_BUDGET_MAX, &settings->budget))
		return control_refusal(CONTROL_USAGE, "budget=16384", "budget is %u to %u pages",
		                       CONFIG_BUDGET_MIN, CONFIG_BUDGET_MAX);
	if (!parse(change->memory, CONFIG_MEMORY_MIN, CONFIG_MEMORY_MAX, &settings->memory))
		return control_refusal(CONTROL_USAGE, "memory=256", "memory is %u to %u MiB",
		                       CONFIG_MEMORY_MIN, CONFIG_MEMORY_MAX);
	wrong = change->exempt ? exempt_parse(&settings->exempt, change->exempt) : NULL;
	if (wrong)
		return control_refusal(CONTROL_USAGE, "exempt=arp,lldp, or exempt=none",
		                       "exempt=%.64s: %s", change->exempt, wrong);
	return NULL;
}

/* --- at the primary --- */

static void on_worker_told(const json_t *reply, void *data)
{
	struct ward *ward = data;
	const json_t *error;

	control_result(reply, &error);
	if (error)
		ward_answer(ward, control_refusal(
					  CONTROL_FAILED, "remusctl resync",
					  "it is kept, and holds from its worker's next start: %s",
					  json_string_value(json_object_get(error, "message"))));
	else
		ward_answer(ward, tell(ward));
}

/* A worker that dies is started anew with the file that is there. */
static void write_file(struct ward *ward)
{
	int err = child_is_on(&ward->child)
	                  ? worker_file_write(&ward->paths, &ward->is, &ward->wards->config, NULL)
	                  : 0;

	if (err)
		log_error("%s: its worker's file cannot be written: %s", ward->who, strerror(-err));
}

static void tell_worker(struct ward *ward)
{
	struct worker_pace pace = worker_pace_of(&ward->is.settings);
	char exempt[EXEMPT_TEXT_SIZE];

	if (!ward->link || !worker_link_is_up(ward->link)) { /* the next one reads its file */
		ward_answer(ward, tell(ward));
		return;
	}
	worker_link_ask(ward->link,
	                json_pack("{s:s, s:I, s:I, s:I, s:I, s:s}", "verb", "set", "interval_ms",
	                          (json_int_t)pace.interval_ms, "shortest_ms",
	                          (json_int_t)pace.shortest_ms, "dirty_pages",
	                          (json_int_t)pace.dirty_pages, "kept_mib",
	                          (json_int_t)pace.kept_mib, "exempt",
	                          exempt_write(&ward->is.settings.exempt, exempt)),
	                WORKER_PATIENCE, on_worker_told, ward);
}

static void on_saved(void *data, int err)
{
	struct ward *ward = data;

	if (err) {
		ward->is.settings = ward->before.settings;
		ward_answer(ward, control_refusal(CONTROL_FAILED, "remusctl doctor",
		                                  "%s cannot be written to",
		                                  ward->wards->settings.ledger));
		return;
	}
	ward_note(ward, "set", "ordered by the operator");
	ward->tell_at = 0;
	ward->is_tell_due = true;
	write_file(ward);
	tell_worker(ward);
}

void wards_set(struct wards *wards, const char *vm, const struct wards_change *change,
               struct control_later *later)
{
	struct ward *ward = wards_ordered(wards, vm, later);
	json_t *refusal = NULL;

	if (!ward)
		return;
	if (!change->interval && !change->budget && !change->memory && !change->exempt &&
	    ward_state(ward) != WARD_BROKEN) {
		control_reply(later, tell(ward));
		return;
	}
	ward->before = ward->is;
	ward->later = later;
	if (ward_state(ward) == WARD_BROKEN || !ward_is(ward, PROTECTION_PRIMARY))
		refusal = control_refusal(CONTROL_WRONG_STATE, "ask on the host that it runs on",
		                          "%s is not protected from this host", ward->is.name);
	if (!refusal)
		refusal = settings_read(&ward->is.settings, change);
	if (!refusal) {
		ward_save(ward, on_saved, ward);
		return;
	}
	ward->is.settings = ward->before.settings;
	ward_answer(ward, refusal);
}

/* --- its standby's host is to know as much --- */

static void on_peer_told(const json_t *reply, void *data)
{
	struct ward *ward = data;
	const json_t *error;

	control_result(reply, &error);
	ward->telling = NULL;
	ward->is_tell_due = error && ward->is_tell_due;
}

void settings_ward_forget(struct ward *ward)
{
	if (ward->telling)
		peers_drop(ward->telling);
	ward->telling = NULL;
}

/* One that is asked for a standby meanwhile hears of it with that. */
void settings_ward_tick(struct ward *ward)
{
	struct wards *wards = ward->wards;
	const struct config_vm_defaults *settings = &ward->is.settings;
	char exempt[EXEMPT_TEXT_SIZE];
	json_t *request;

	if (!ward->is_tell_due || ward->telling || !wards->peers ||
	    wards_now(wards) < ward->tell_at)
		return;
	ward->tell_at = wards_in(wards, TELL_AGAIN);
	request = json_pack("{s:s, s:s, s:s, s:{s:I, s:I, s:I, s:s*}}", "verb", "set", "vm",
	                    ward->is.name, "uuid", ward->is.uuid, "settings", "interval",
	                    (json_int_t)settings->interval, "budget", (json_int_t)settings->budget,
	                    "memory", (json_int_t)settings->memory, "exempt",
	                    protection_exempt(settings, exempt));
	ward->telling = peers_ask(wards->peers, ward->is.peer, request, PEER_PATIENCE, on_peer_told,
	                          ward);
}

/* --- at the standby: it goes on so, should it take over --- */

json_t *settings_keep(struct wards *wards, const char *peer, const json_t *request)
{
	json_int_t interval, budget, memory;
	const char *verb, *name, *uuid, *exempt = "none";
	struct config_vm_defaults settings;
	struct exempt exemptions;
	struct ward *ward;

	if (json_unpack_ex((json_t *)(uintptr_t)request, NULL, JSON_STRICT,
	                   "{s:s, s:s, s:s, s:{s:I, s:I, s:I, s?s}}", "verb", &verb, "vm", &name,
	                   "uuid", &uuid, "settings", "interval", &interval, "budget", &budget,
	                   "memory", &memory, "exempt", &exempt) ||
	    !protection_may_set(interval, budget, memory) || exempt_parse(&exemptions, exempt))
		return control_refusal(
			CONTROL_BAD_REQUEST, "the same version on both hosts",
			"a request to set has a vm, a uuid and settings within bounds");
	ward = wards_find(wards, name);
	if (!ward || strcasecmp(ward->is.uuid, uuid) || strcmp(ward->is.peer, peer) ||
	    !ward_is(ward, PROTECTION_STANDBY) || ward_state(ward) == WARD_LEAVING)
		return control_refusal(CONTROL_WRONG_STATE, "remusctl status, on both hosts",
		                       "%s is no standby of %.64s", wards->config.name, name);
	settings = (struct config_vm_defaults){ .interval = (uint32_t)interval,
		                                .budget = (uint32_t)budget,
		                                .memory = (uint32_t)memory,
		                                .exempt = exemptions };
	ward->is.settings = settings;
	ward_save(ward, NULL, NULL);
	return control_success(json_object());
}
