/* remusctl status VM: all that is known of one. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>

#include "toolstack/verbs/verb.h"
#include "toolstack/verbs/vm.h"

static void print_vm(const json_t *vm)
{
	const json_t *backend = json_object_get(vm, "backend");
	char age[VM_AGE_SIZE];

	printf("%s (domain %d)\n", vm_text(vm, "name"),
	       (int)json_integer_value(json_object_get(vm, "id")));
	printf("  protection  %s\n", vm_text(vm, "protection"));
	printf("  backend     %s for %s, process %d, started %d times\n", vm_backend_state(vm),
	       vm_age(json_integer_value(json_object_get(backend, "seconds")), age),
	       (int)json_integer_value(json_object_get(backend, "pid")),
	       (int)json_integer_value(json_object_get(backend, "starts")));
}

static int run(const struct asked *asked)
{
	json_t *result;
	int status = verb_ask(asked,
	                      json_pack("{s:s, s:s}", "verb", "status", "vm", asked->words[0]),
	                      &result);

	if (result)
		print_vm(result);
	json_decref(result);
	return status;
}

const struct verb verb_status = {
	.name = "status",
	.arguments = "VM",
	.help = "what is known of a VM, by its name or number",
	.least = 1,
	.most = 1,
	.run = run,
};
