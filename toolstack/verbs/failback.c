/* remusctl failback VM: have it come to this host, which has its standby. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>

#include "toolstack/verbs/verb.h"

#define PATIENCE 30u /* seconds: the other host is asked */

static int run(const struct asked *asked)
{
	json_t *result;
	int status = verb_order(asked,
	                        json_pack("{s:s, s:s, s:s}", "verb", "switchover", "vm",
	                                  asked->words[0], "here", "yes"),
	                        PATIENCE, &result);

	if (result)
		printf("%s is being handed over to this host; remusctl status tells how it went\n",
		       asked->words[0]);
	json_decref(result);
	return status;
}

const struct verb verb_failback = {
	.name = "failback",
	.arguments = "VM",
	.help = "have it come to this host, as planned",
	.least = 1,
	.most = 1,
	.run = run,
};
