/* remusctl switchover VM: have the standby go on with it, as planned. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>

#include "toolstack/verbs/verb.h"

static int run(const struct asked *asked)
{
	json_t *result;
	int status = verb_ask(asked,
	                      json_pack("{s:s, s:s}", "verb", "switchover", "vm", asked->words[0]),
	                      &result);

	if (result)
		printf("%s is being handed over; remusctl status tells how it went\n",
		       asked->words[0]);
	json_decref(result);
	return status;
}

const struct verb verb_switchover = {
	.name = "switchover",
	.arguments = "VM",
	.help = "have the standby go on with it, as planned",
	.least = 1,
	.most = 1,
	.run = run,
};
