/* remusctl fence VM --confirm: the operator vouches that the VM's other host is off. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>

#include "toolstack/verbs/verb.h"
#include "toolstack/verbs/vm.h"

static int run(const struct asked *asked)
{
	json_t *request = json_pack("{s:s, s:s}", "verb", "fence", "vm", asked->words[0]);
	json_t *result;
	int status;

	if (asked->is_confirmed)
		json_object_set_new(request, "confirm", json_string("yes"));
	status = verb_ask(asked, request, &result);
	if (result)
		printf("host %s counts as off for %s\n", vm_text(result, "peer"), asked->words[0]);
	json_decref(result);
	return status;
}

const struct verb verb_fence = {
	.name = "fence",
	.arguments = "VM --confirm",
	.help = "you have seen to it that its other host is off",
	.least = 1,
	.most = 1,
	.options = "c",
	.run = run,
};
