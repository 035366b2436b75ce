/* remusctl activate VM --confirm: go on with the copy of this host. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>

#include "toolstack/verbs/verb.h"

#define PATIENCE 330u /* seconds */

static int run(const struct asked *asked)
{
	json_t *request = json_pack("{s:s, s:s}", "verb", "activate", "vm", asked->words[0]);
	json_t *result;
	int status;

	if (asked->is_confirmed)
		json_object_set_new(request, "confirm", json_string("yes"));
	status = verb_order(asked, request, PATIENCE, &result);
	if (result)
		printf("%s runs here now, and is not protected until %s\n", asked->words[0],
		       "its old host is back and has a copy: remusctl status");
	json_decref(result);
	return status;
}

const struct verb verb_activate = {
	.name = "activate",
	.arguments = "VM --confirm",
	.help = "go on with the copy that this host has",
	.least = 1,
	.most = 1,
	.options = "c",
	.run = run,
};
