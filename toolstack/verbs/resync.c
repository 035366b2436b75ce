/* remusctl resync VM: have its standby's copy made anew. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>

#include "toolstack/verbs/verb.h"

static int run(const struct asked *asked)
{
	json_t *result;
	int status = verb_ask(asked,
	                      json_pack("{s:s, s:s}", "verb", "resync", "vm", asked->words[0]),
	                      &result);

	if (result)
		printf("the copy of %s is being made anew; remusctl status tells when it is whole\n",
		       asked->words[0]);
	json_decref(result);
	return status;
}

const struct verb verb_resync = {
	.name = "resync",
	.arguments = "VM",
	.help = "have its standby's copy made anew",
	.least = 1,
	.most = 1,
	.run = run,
};
