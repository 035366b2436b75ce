/* remusctl version: of the daemon. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>

#include "toolstack/verbs/verb.h"

static int run(const struct asked *asked)
{
	json_t *result;
	int status = verb_ask(asked, json_pack("{s:s}", "verb", "version"), &result);

	if (result)
		printf("remusd %s\n", json_string_value(json_object_get(result, "version")));
	json_decref(result);
	return status;
}

const struct verb verb_version = {
	.name = "version",
	.arguments = "",
	.help = "the version of the daemon that runs",
	.run = run,
};
