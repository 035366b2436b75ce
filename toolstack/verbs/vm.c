/* What remusd tells of a VM, for people. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "toolstack/verbs/vm.h"

#include <stdio.h>
#include <string.h>

const char *vm_text(const json_t *vm, const char *field)
{
	const char *text = json_string_value(json_object_get(vm, field));

	return text && *text ? text : "-";
}

int vm_number(const json_t *vm, const char *field)
{
	return (int)json_integer_value(json_object_get(vm, field));
}

const char *vm_age(json_int_t seconds, char text[VM_AGE_SIZE])
{
	int value = seconds < 0 ? 0 : seconds > 86400 * 9999 ? 86400 * 9999 : (int)seconds;

	if (value < 60)
		snprintf(text, VM_AGE_SIZE, "%ds", value);
	else if (value < 3600)
		snprintf(text, VM_AGE_SIZE, "%dm%02ds", value / 60, value % 60);
	else if (value < 86400)
		snprintf(text, VM_AGE_SIZE, "%dh%02dm", value / 3600, value / 60 % 60);
	else
		snprintf(text, VM_AGE_SIZE, "%dd%dh", value / 86400, value / 3600 % 24);
	return text;
}

const char *vm_progress(const json_t *vm, char text[VM_PROGRESS_SIZE])
{
	const json_t *replication = json_object_get(vm, "replication");
	const json_t *progress = json_object_get(replication, "progress");
	json_int_t total = json_integer_value(json_object_get(progress, "total"));
	json_int_t sent = json_integer_value(json_object_get(progress, "sent"));
	const char *why = vm_text(replication, "why");
	size_t used = (size_t)snprintf(text, VM_PROGRESS_SIZE, "%s", vm_text(vm, "protection"));

	if (total > 0 && used < VM_PROGRESS_SIZE)
		used += (size_t)snprintf(text + used, VM_PROGRESS_SIZE - used, ", %d%% of %d MiB",
		                         (int)(100 * (sent < total ? sent : total) / total),
		                         (int)(total >> 20));
	if (strcmp(why, "-") && used < VM_PROGRESS_SIZE)
		snprintf(text + used, VM_PROGRESS_SIZE - used, " (%.180s)", why);
	return text;
}

const char *vm_backend_state(const json_t *vm)
{
	const json_t *backend = json_object_get(vm, "backend");

	if (!backend)
		return "-";
	return json_integer_value(json_object_get(backend, "pid")) ? "serving" : "restarting";
}
