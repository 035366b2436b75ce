/* remusctl status VM: all that is known of one. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>
#include <string.h>

#include "toolstack/verbs/rates.h"
#include "toolstack/verbs/verb.h"
#include "toolstack/verbs/vm.h"

static void print_blockers(const json_t *blockers)
{
	const json_t *blocker;
	size_t i;

	json_array_foreach(blockers, i, blocker)
		printf("    %-14s %s\n", vm_text(blocker, "code"), vm_text(blocker, "message"));
}

/* NULL: it has none; only a primary's worker does. */
static void print_held(const json_t *flow)
{
	char bytes[RATES_TEXT_SIZE];

	if (!json_object_get(flow, "held_frames"))
		return;
	printf("  held        %d frames, %s bytes, at the last cut\n",
	       vm_number(flow, "held_frames"), rates_bytes(vm_number(flow, "held_bytes"), bytes));
}

static void print_replication(const json_t *replication)
{
	char age[VM_AGE_SIZE];

	if (json_object_get(replication, "alarm"))
		printf("  ALARM       %s\n", vm_text(replication, "alarm"));
	if (strcmp(vm_text(replication, "why"), "-"))
		printf("  why         %s\n", vm_text(replication, "why"));
	print_blockers(json_object_get(replication, "blockers"));
	printf("  role        %s, with %s, for %s\n", vm_text(replication, "role"),
	       vm_text(replication, "peer"),
	       vm_age(json_integer_value(json_object_get(replication, "seconds")), age));
	printf("  generation  %d\n", vm_number(replication, "generation"));
	printf("  settings    interval %d ms, budget %d pages, memory %d MiB\n",
	       vm_number(replication, "interval"), vm_number(replication, "budget"),
	       vm_number(replication, "memory"));
	if (strcmp(vm_text(replication, "exempt"), "none"))
		printf("  exempt      %s, not held\n", vm_text(replication, "exempt"));
	if (json_object_get(replication, "arbiter"))
		printf("  arbiter     %s%s\n",
		       vm_text(json_object_get(replication, "arbiter"), "state"),
		       json_is_true(
			       json_object_get(json_object_get(replication, "arbiter"), "quorate"))
		               ? ""
		               : ", NO QUORUM");
	if (!json_object_get(replication, "epoch"))
		return;
	printf("  epoch       %d, %d behind%s\n", vm_number(replication, "epoch"),
	       vm_number(replication, "lag"),
	       json_is_true(json_object_get(replication, "held"))
	               ? ", output held until acknowledged"
	               : "");
	print_held(json_object_get(replication, "flow"));
	printf("  link        %s",
	       json_is_true(json_object_get(replication, "connected")) ? "up" : "DOWN");
	if (json_object_get(replication, "round_trip_us"))
		printf(", round trip %d us", vm_number(replication, "round_trip_us"));
	printf("\n");
}

static void print_vm(const json_t *vm)
{
	const json_t *backend = json_object_get(vm, "backend");
	char age[VM_AGE_SIZE];

	printf("%s (domain %d)\n", vm_text(vm, "name"), vm_number(vm, "id"));
	printf("  protection  %s\n", vm_text(vm, "protection"));
	if (json_object_get(vm, "replication"))
		print_replication(json_object_get(vm, "replication"));
	if (!backend)
		return;
	printf("  backend     %s for %s, process %d, started %d times\n", vm_backend_state(vm),
	       vm_age(json_integer_value(json_object_get(backend, "seconds")), age),
	       vm_number(backend, "pid"), vm_number(backend, "starts"));
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
