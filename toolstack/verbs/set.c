/* remusctl set VM interval=.. budget=.. memory=.. exempt=..: how it is replicated, while it is. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>
#include <string.h>

#include "toolstack/control/codes.h"
#include "toolstack/control/message.h"
#include "toolstack/verbs/verb.h"
#include "toolstack/verbs/vm.h"

#define PATIENCE 60u /* seconds */

static const char *const names[] = { "interval", "budget", "memory", "exempt" };
#define NAME_COUNT (sizeof(names) / sizeof(names[0]))

/* False: it is no "name=value" of ours, or the second of that name. */
static bool take(json_t *request, const char *word)
{
	for (unsigned int i = 0; i < NAME_COUNT; i++) {
		size_t length = strlen(names[i]);

		if (strncmp(word, names[i], length) || word[length] != '=')
			continue;
		return !json_object_get(request, names[i]) &&
		       !json_object_set_new(request, names[i], json_string(word + length + 1));
	}
	return false;
}

static int run(const struct asked *asked)
{
	json_t *request = json_pack("{s:s, s:s}", "verb", "set", "vm", asked->words[0]);
	json_t *result;
	int status;

	for (int i = 1; i < asked->count; i++) {
		if (take(request, asked->words[i]))
			continue;
		json_decref(request);
		return verb_print(
			asked,
			control_refusal(
				CONTROL_USAGE,
				"remusctl set VM interval=25 budget=16384 memory=256 exempt=arp",
				"that cannot be set: %.64s", asked->words[i]),
			&result);
	}
	status = verb_order(asked, request, PATIENCE, &result);
	if (result)
		printf("%s: interval %d ms, budget %d pages, memory %d MiB, exempt %s\n",
		       asked->words[0], vm_number(result, "interval"), vm_number(result, "budget"),
		       vm_number(result, "memory"), vm_text(result, "exempt"));
	json_decref(result);
	return status;
}

const struct verb verb_set = {
	.name = "set",
	.arguments = "VM [NAME=VALUE]",
	.help = "how it is replicated, while it is",
	.least = 1,
	.most = 5,
	.run = run,
};
