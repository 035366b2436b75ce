/* What remusd answers on its control socket: docs/control.md. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/main/daemon_verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replication/daemon/ledger.h"
#include "toolstack/control/codes.h"
#include "toolstack/control/message.h"
#include "version.h"

struct search {
	const struct daemon_facts *facts;
	const char *wanted; /* name or number; NULL: all */
	json_t *found;      /* an array */
};

/* A row: what serves its devices (pid -1: nothing does), and how it is replicated. */
static json_t *tell_vm(const struct search *search, const struct worker_facts *worker,
                       const char *name)
{
	const struct daemon_facts *facts = search->facts;
	json_t *replication = facts->wards ? wards_tell(facts->wards, name) : NULL;
	const char *state = json_string_value(json_object_get(replication, "state"));
	json_t *vm = json_pack("{s:s, s:i, s:s}", "name", name, "id", (int)worker->domid,
	                       "protection", state ? state : "none");
	double seconds = ev_now(facts->supervisor->loop) - worker->since;

	if (worker->pid >= 0)
		json_object_set_new(vm, "backend",
		                    json_pack("{s:i, s:i, s:I}", "pid", worker->pid, "starts",
		                              (int)worker->starts, "seconds", (json_int_t)seconds));
	if (replication)
		json_object_set_new(vm, "replication", replication);
	return vm;
}

static bool is_wanted(const struct search *search, const char *name, unsigned int domid)
{
	char number[12];

	snprintf(number, sizeof(number), "%u", domid);
	return !search->wanted || !strcmp(search->wanted, number) || !strcmp(search->wanted, name);
}

static void look_at(const struct worker_facts *worker, void *data)
{
	struct search *search = data;
	char path[40];
	char *name;

	snprintf(path, sizeof(path), "/local/domain/%u/name", worker->domid);
	name = xs_read(search->facts->xs, XBT_NULL, path, NULL);
	if (is_wanted(search, name ? name : "", worker->domid))
		json_array_append_new(search->found, tell_vm(search, worker, name ? name : ""));
	free(name);
}

/* One that no worker serves: a standby's copy, a guest without devices, or one that should run here and does not. */
static void look_at_ward(const char *name, unsigned int domid, void *data)
{
	struct worker_facts none = { .domid = domid, .pid = -1 };
	struct search *search = data;
	const json_t *vm;
	size_t i;

	json_array_foreach(search->found, i, vm)
	{
		if (!strcmp(json_string_value(json_object_get(vm, "name")), name))
			return;
	}
	if (is_wanted(search, name, domid))
		json_array_append_new(search->found, tell_vm(search, &none, name));
}

static json_t *find(const struct daemon_facts *facts, const char *wanted)
{
	struct search search = { facts, wanted, json_array() };

	supervise_each(facts->supervisor, look_at, &search);
	if (facts->wards)
		wards_each(facts->wards, look_at_ward, &search);
	return search.found;
}

static json_t *serve_list(const json_t *request, void *data)
{
	(void)request;
	return control_success(json_pack("{s:o}", "vms", find(data, NULL)));
}

static json_t *serve_status(const json_t *request, void *data)
{
	const char *wanted = json_string_value(json_object_get(request, "vm"));
	json_t *found, *reply;

	if (!wanted || !*wanted)
		return control_refusal(CONTROL_BAD_REQUEST, "remusctl list",
		                       "status needs the name of a VM");
	found = find(data, wanted);
	if (json_array_size(found))
		reply = control_success(json_incref(json_array_get(found, 0)));
	else
		reply = control_refusal(CONTROL_NO_SUCH_VM, "remusctl list",
		                        "no guest of this host is called %.64s", wanted);
	json_decref(found);
	return reply;
}

/* Of a VM that is here, its name; else the word as it is: it may have been here. */
static json_t *serve_events(const json_t *request, void *data)
{
	const struct daemon_facts *facts = data;
	const char *vm = json_string_value(json_object_get(request, "vm"));
	const char *since = json_string_value(json_object_get(request, "since"));
	json_t *found = vm ? find(facts, vm) : NULL;
	const char *name = json_string_value(json_object_get(json_array_get(found, 0), "name"));
	json_t *told = facts->wards ? wards_events(facts->wards, name ? name : vm,
	                                           since ? strtoull(since, NULL, 10) : 0)
	                            : NULL;
	json_t *reply;

	if (!told)
		reply = control_refusal(CONTROL_FAILED, "journalctl -u remusd",
		                        LEDGER_FOLDER " cannot be read");
	else if (vm && !name && !since && !json_array_size(json_object_get(told, "events")))
		reply = control_refusal(CONTROL_NO_SUCH_VM, "remusctl list",
		                        "nothing is known of a VM called %.64s", vm);
	else
		reply = control_success(json_incref(told));
	json_decref(told);
	json_decref(found);
	return reply;
}

static json_t *serve_version(const json_t *request, void *data)
{
	(void)request;
	(void)data;
	return control_success(
		json_pack("{s:s}", "version", XEN_CORE_VERSION " " XEN_CORE_CHANGESET));
}

/* False: it is refused, for there is no VM named or nothing can be protected. */
static bool may_order(const struct daemon_facts *facts, const json_t *request, const char *field,
                      struct control_later *later)
{
	const char *value = json_string_value(json_object_get(request, field));

	if (!value || !*value)
		control_reply(later, control_refusal(CONTROL_BAD_REQUEST, "remusctl help",
		                                     "a field is missing: %s", field));
	else if (!facts->wards)
		control_reply(later, control_refusal(CONTROL_FAILED, "journalctl -u remusd",
		                                     LEDGER_FOLDER " cannot be read"));
	else
		return true;
	return false;
}

static const char *text(const json_t *request, const char *field)
{
	return json_string_value(json_object_get(request, field));
}

/* yes, or not there at all. */
static bool is_said(const json_t *request, const char *field)
{
	return text(request, field) && !strcmp(text(request, field), "yes");
}

static void begin_protect(const json_t *request, void *data, struct control_later *later)
{
	const struct daemon_facts *facts = data;

	if (may_order(facts, request, "vm", later) && may_order(facts, request, "to", later))
		wards_protect(facts->wards, text(request, "vm"), text(request, "to"),
		              text(request, "interval"), is_said(request, "accept_split_brain"),
		              later);
}

static void begin_unprotect(const json_t *request, void *data, struct control_later *later)
{
	const struct daemon_facts *facts = data;

	if (may_order(facts, request, "vm", later))
		wards_unprotect(facts->wards, text(request, "vm"), is_said(request, "force"),
		                later);
}

static void begin_activate(const json_t *request, void *data, struct control_later *later)
{
	const struct daemon_facts *facts = data;

	if (!may_order(facts, request, "vm", later))
		return;
	if (is_said(request, "confirm"))
		wards_activate(facts->wards, text(request, "vm"), later);
	else
		control_reply(later, control_refusal(
					     CONTROL_UNCONFIRMED, "add --confirm",
					     "you vouch that the other copy of %.64s does not run, "
					     "and never will: two that run destroy its data",
					     text(request, "vm")));
}

static void begin_switch_over(const json_t *request, void *data, struct control_later *later)
{
	const struct daemon_facts *facts = data;

	if (may_order(facts, request, "vm", later))
		wards_switch_over(facts->wards, text(request, "vm"), is_said(request, "here"),
		                  later);
}

static void begin_peer(const json_t *request, void *data, struct control_later *later)
{
	const struct daemon_facts *facts = data;

	if (may_order(facts, request, "vm", later))
		wards_ask_peer(facts->wards, text(request, "vm"), later);
}

static void begin_resync(const json_t *request, void *data, struct control_later *later)
{
	const struct daemon_facts *facts = data;

	if (may_order(facts, request, "vm", later))
		wards_resync(facts->wards, text(request, "vm"), later);
}

static void begin_set(const json_t *request, void *data, struct control_later *later)
{
	const struct daemon_facts *facts = data;
	const struct wards_change change = { .interval = text(request, "interval"),
		                             .budget = text(request, "budget"),
		                             .memory = text(request, "memory"),
		                             .exempt = text(request, "exempt") };

	if (may_order(facts, request, "vm", later))
		wards_set(facts->wards, text(request, "vm"), &change, later);
}

static void begin_fence(const json_t *request, void *data, struct control_later *later)
{
	const struct daemon_facts *facts = data;

	if (!may_order(facts, request, "vm", later))
		return;
	if (is_said(request, "confirm"))
		wards_fenced(facts->wards, text(request, "vm"), later);
	else
		control_reply(later, control_refusal(
					     CONTROL_UNCONFIRMED, "add --confirm",
					     "you vouch that the other host of %.64s is off: if it "
					     "runs, two copies destroy its data",
					     text(request, "vm")));
}

static const char *const no_fields[] = { NULL };
static const char *const vm_field[] = { "vm", NULL };
static const char *const events_fields[] = { "vm", "since", NULL };
static const char *const protect_fields[] = { "vm", "to", "interval", "accept_split_brain", NULL };
static const char *const unprotect_fields[] = { "vm", "force", NULL };
static const char *const switch_fields[] = { "vm", "here", NULL };
static const char *const set_fields[] = { "vm", "interval", "budget", "memory", "exempt", NULL };
static const char *const activate_fields[] = { "vm", "confirm", NULL };

const struct control_verb daemon_verbs[] = {
	{ .name = "version", .fields = no_fields, .serve = serve_version },
	{ .name = "list", .fields = no_fields, .serve = serve_list },
	{ .name = "status", .fields = vm_field, .serve = serve_status },
	{ .name = "events", .fields = events_fields, .serve = serve_events },
	{ .name = "protect", .fields = protect_fields, .begin = begin_protect },
	{ .name = "unprotect", .fields = unprotect_fields, .begin = begin_unprotect },
	{ .name = "switchover", .fields = switch_fields, .begin = begin_switch_over },
	{ .name = "peer", .fields = vm_field, .begin = begin_peer },
	{ .name = "resync", .fields = vm_field, .begin = begin_resync },
	{ .name = "set", .fields = set_fields, .begin = begin_set },
	{ .name = "fence", .fields = activate_fields, .begin = begin_fence },
	{ .name = "activate", .fields = activate_fields, .begin = begin_activate },
	{ 0 },
};
