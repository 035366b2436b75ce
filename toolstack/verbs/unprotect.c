/* remusctl unprotect VM: replicate it no longer. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>

#include "toolstack/verbs/verb.h"

#define PATIENCE 200u /* seconds */

static int run(const struct asked *asked)
{
	json_t *request = json_pack("{s:s, s:s}", "verb", "unprotect", "vm", asked->words[0]);
	json_t *result;
	int status;

	if (asked->is_forced)
		json_object_set_new(request, "force", json_string("yes"));
	status = verb_order(asked, request, PATIENCE, &result);
	if (result)
		printf("%s is not protected any more\n", asked->words[0]);
	json_decref(result);
	return status;
}

const struct verb verb_unprotect = {
	.name = "unprotect",
	.arguments = "VM",
	.help = "replicate it no longer",
	.least = 1,
	.most = 1,
	.options = "f",
	.run = run,
};
