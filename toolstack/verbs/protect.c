/* remusctl protect VM --to PEER: replicate a running VM; --wait shows its first copy. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "toolstack/control/client.h"
#include "toolstack/control/codes.h"
#include "toolstack/control/message.h"
#include "toolstack/verbs/verb.h"
#include "toolstack/verbs/vm.h"

#define PATIENCE     200u /* seconds, for the peer to look at what it needs */
#define ASK_PATIENCE 10u

static json_t *ask_status(const struct asked *asked)
{
	json_t *request = json_pack("{s:s, s:s}", "verb", "status", "vm", asked->words[0]);
	json_t *reply = control_ask(asked->socket_path, request, ASK_PATIENCE);

	json_decref(request);
	return reply;
}

/* One line, written over on a terminal; elsewhere each state is a line. */
static void show(const json_t *vm, char last[VM_PROGRESS_SIZE])
{
	char text[VM_PROGRESS_SIZE];

	vm_progress(vm, text);
	if (!strcmp(text, last))
		return;
	strcpy(last, text);
	printf(isatty(STDOUT_FILENO) ? "\r\033[K%s: %s" : "%s: %s\n", vm_text(vm, "name"), text);
	fflush(stdout);
}

/* Until it is protected, or is no longer meant to be. */
static int wait(const struct asked *asked)
{
	char last[VM_PROGRESS_SIZE] = "";
	const char *state = "";
	const json_t *error;
	json_t *reply, *result;

	for (;; sleep(1)) {
		const json_t *vm;

		reply = ask_status(asked);
		vm = control_result(reply, &error);
		state = vm ? vm_text(vm, "protection") : "";
		if (vm && !asked->is_json)
			show(vm, last);
		if (error || !strcmp(state, "replicating") || !strcmp(state, "none") ||
		    !strcmp(state, "absent") || !strcmp(state, "leaving"))
			break;
		json_decref(reply);
	}
	if (*last && isatty(STDOUT_FILENO))
		printf("\n");
	if (!error && strcmp(state, "replicating")) {
		json_decref(reply);
		reply = control_refusal(CONTROL_WRONG_STATE, "remusctl status",
		                        "%s is not protected, after all", asked->words[0]);
	}
	if (!error && !asked->is_json) {
		json_decref(reply);
		return CONTROL_EXIT_DONE;
	}
	return verb_print(asked, reply, &result);
}

static int run(const struct asked *asked)
{
	json_t *request, *result;
	int status;

	if (!asked->to)
		return verb_print(asked,
		                  control_refusal(CONTROL_USAGE, "remusctl protect VM --to PEER",
		                                  "it needs to be said to which host"),
		                  &result);
	request = json_pack("{s:s, s:s, s:s, s:s*}", "verb", "protect", "vm", asked->words[0], "to",
	                    asked->to, "interval", asked->interval);
	if (asked->accepts_split_brain)
		json_object_set_new(request, "accept_split_brain", json_string("yes"));
	status = verb_order(asked, request, PATIENCE, &result);
	if (result)
		printf("%s is being copied to %s%s\n", asked->words[0], asked->to,
		       asked->is_waiting ? "" : "; remusctl status tells when it is protected");
	json_decref(result);
	return status || !asked->is_waiting ? status : wait(asked);
}

const struct verb verb_protect = {
	.name = "protect",
	.arguments = "VM --to PEER",
	.help = "replicate a running VM to another host",
	.least = 1,
	.most = 1,
	.options = "tiwb",
	.run = run,
};
