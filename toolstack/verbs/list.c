/* remusctl list: the VMs of this host, a line each. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>

#include "toolstack/verbs/verb.h"
#include "toolstack/verbs/vm.h"

static void print_row(const json_t *vm)
{
	const json_t *served = json_object_get(vm, "backend");
	const json_t *backend = served ? served : json_object_get(vm, "replication");
	char age[VM_AGE_SIZE];

	printf("%-30s %5d  %-12s %-11s %s\n", vm_text(vm, "name"),
	       (int)json_integer_value(json_object_get(vm, "id")), vm_text(vm, "protection"),
	       vm_backend_state(vm),
	       vm_age(json_integer_value(json_object_get(backend, "seconds")), age));
}

static int run(const struct asked *asked)
{
	json_t *result, *vm;
	int status = verb_ask(asked, json_pack("{s:s}", "verb", "list"), &result);
	size_t i;

	if (result) {
		printf("%-30s %5s  %-12s %-11s %s\n", "NAME", "ID", "PROTECTION", "BACKEND", "FOR");
		json_array_foreach(json_object_get(result, "vms"), i, vm) print_row(vm);
	}
	json_decref(result);
	return status;
}

const struct verb verb_list = {
	.name = "list",
	.arguments = "",
	.help = "the VMs that this host serves",
	.run = run,
};
