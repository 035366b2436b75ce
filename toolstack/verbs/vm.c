/* What remusd tells of a VM, for people. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "toolstack/verbs/vm.h"

#include <stdio.h>

const char *vm_text(const json_t *vm, const char *field)
{
	const char *text = json_string_value(json_object_get(vm, field));

	return text && *text ? text : "-";
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

const char *vm_backend_state(const json_t *vm)
{
	const json_t *backend = json_object_get(vm, "backend");

	return json_integer_value(json_object_get(backend, "pid")) ? "serving" : "restarting";
}
