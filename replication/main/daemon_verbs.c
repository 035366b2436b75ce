/* What remusd answers on its control socket: docs/control.md. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/main/daemon_verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "toolstack/control/codes.h"
#include "toolstack/control/message.h"
#include "version.h"

struct search {
	const struct daemon_facts *facts;
	const char *wanted; /* name or number; NULL: all */
	json_t *found;      /* an array */
};

static json_t *tell_vm(const struct search *search, const struct worker_facts *worker,
                       const char *name)
{
	double seconds = ev_now(search->facts->supervisor->loop) - worker->since;

	return json_pack("{s:s, s:i, s:s, s:{s:i, s:i, s:I}}", "name", name, "id",
	                 (int)worker->domid, "protection", "none", "backend", "pid", worker->pid,
	                 "starts", (int)worker->starts, "seconds", (json_int_t)seconds);
}

static void look_at(const struct worker_facts *worker, void *data)
{
	struct search *search = data;
	char path[40], number[12];
	char *name;

	snprintf(number, sizeof(number), "%u", worker->domid);
	snprintf(path, sizeof(path), "/local/domain/%u/name", worker->domid);
	name = xs_read(search->facts->xs, XBT_NULL, path, NULL);
	if (!search->wanted || !strcmp(search->wanted, number) ||
	    (name && !strcmp(search->wanted, name)))
		json_array_append_new(search->found, tell_vm(search, worker, name ? name : ""));
	free(name);
}

static json_t *find(const struct daemon_facts *facts, const char *wanted)
{
	struct search search = { facts, wanted, json_array() };

	supervise_each(facts->supervisor, look_at, &search);
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

static json_t *serve_version(const json_t *request, void *data)
{
	(void)request;
	(void)data;
	return control_success(
		json_pack("{s:s}", "version", XEN_CORE_VERSION " " XEN_CORE_CHANGESET));
}

static const char *const no_fields[] = { NULL };
static const char *const vm_field[] = { "vm", NULL };

const struct control_verb daemon_verbs[] = {
	{ .name = "version", .fields = no_fields, .serve = serve_version },
	{ .name = "list", .fields = no_fields, .serve = serve_list },
	{ .name = "status", .fields = vm_field, .serve = serve_status },
	{ 0 },
};
