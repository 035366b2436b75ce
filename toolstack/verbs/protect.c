/* remusctl protect VM --to PEER: replicate a running VM, and show its first copy until the standby could take over. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "toolstack/control/client.h"
#include "toolstack/control/codes.h"
#include "toolstack/control/message.h"
#include "toolstack/verbs/rates.h"
#include "toolstack/verbs/terminal.h"
#include "toolstack/verbs/verb.h"
#include "toolstack/verbs/vm.h"

#define PATIENCE     200u /* seconds, for the peer to look at what it needs */
#define ASK_PATIENCE 10u

/* The first copy, as it was seen last. */
struct copying {
	double at;
	json_int_t sent;
	char last[VM_PROGRESS_SIZE + 32]; /* what was shown */
};

static json_t *ask_status(const struct asked *asked)
{
	json_t *request = json_pack("{s:s, s:s}", "verb", "status", "vm", asked->words[0]);
	json_t *reply = control_ask(asked->socket_path, request, ASK_PATIENCE);

	json_decref(request);
	return reply;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* Bytes a second since it was seen last; negative: not known. */
static double rate(struct copying *copying, const json_t *vm)
{
	const json_t *progress = json_object_get(json_object_get(vm, "replication"), "progress");
	json_int_t sent = json_integer_value(json_object_get(progress, "sent"));
	double before = copying->at, seconds, grown = (double)(sent - copying->sent);

	if (!progress || sent == copying->sent)
		return -1;
	copying->at = now();
	copying->sent = sent;
	seconds = copying->at - before;
	return before && grown > 0 && seconds > 0 ? grown / seconds : -1;
}

/* One line, written over on a terminal; elsewhere each state is a line, but not each step of the copy. */
static void show(const json_t *vm, struct copying *copying)
{
	char text[VM_PROGRESS_SIZE + 32], speed[RATES_TEXT_SIZE];
	double bytes = rate(copying, vm);
	size_t used;

	if (terminal_is_on())
		vm_progress(vm, text);
	else
		snprintf(text, sizeof(text), "%s", vm_text(vm, "protection"));
	used = strlen(text);
	if (bytes >= 0 && terminal_is_on())
		snprintf(text + used, sizeof(text) - used, ", %s/s", rates_bytes(bytes, speed));
	if (!strcmp(text, copying->last))
		return;
	strcpy(copying->last, text);
	if (terminal_is_on())
		printf("\r\033[K%.20s: %.*s", vm_text(vm, "name"), terminal_columns() - 23, text);
	else
		printf("%s: %s\n", vm_text(vm, "name"), text);
	fflush(stdout);
}

/* An arbiter, if there is one, must know of the copy, too. */
static bool is_protected(const json_t *vm)
{
	const json_t *arbiter = json_object_get(json_object_get(vm, "replication"), "arbiter");

	return !strcmp(vm_text(vm, "protection"), "replicating") &&
	       (!arbiter || json_is_true(json_object_get(arbiter, "protected")));
}

/* It is not even meant to be, any more. */
static bool is_over(const json_t *vm)
{
	const char *state = vm_text(vm, "protection");

	return !strcmp(state, "none") || !strcmp(state, "absent") || !strcmp(state, "leaving");
}

/* The last reply: until it is protected, or will not be. */
static json_t *wait(const struct asked *asked)
{
	struct copying copying = { .last = "" };
	const json_t *error, *vm;
	json_t *reply = NULL;

	do {
		if (reply)
			sleep(1);
		json_decref(reply);
		reply = ask_status(asked);
		vm = control_result(reply, &error);
		if (vm && !asked->is_json)
			show(vm, &copying);
	} while (vm && !is_protected(vm) && !is_over(vm));
	if (*copying.last && terminal_is_on())
		printf("\n");
	if (vm && is_over(vm)) {
		json_decref(reply);
		reply = control_refusal(CONTROL_WRONG_STATE, "remusctl status",
		                        "%s is not protected, after all", asked->words[0]);
	}
	return reply;
}

static json_t *make_request(const struct asked *asked)
{
	json_t *request = json_pack("{s:s, s:s, s:s, s:s*}", "verb", "protect", "vm",
	                            asked->words[0], "to", asked->to, "interval", asked->interval);

	if (asked->accepts_split_brain)
		json_object_set_new(request, "accept_split_brain", json_string("yes"));
	return request;
}

static int run(const struct asked *asked)
{
	json_t *request, *reply, *result;
	const json_t *error, *begun;
	int status;

	if (!asked->to)
		return verb_print(asked,
		                  control_refusal(CONTROL_USAGE, "remusctl protect VM --to PEER",
		                                  "it needs to be said to which host"),
		                  &result);
	request = make_request(asked);
	reply = control_ask(asked->socket_path, request, PATIENCE);
	json_decref(request);
	begun = control_result(reply, &error);
	if (!error && json_object_get(begun, "warning"))
		fprintf(stderr, "warning: %s\n", vm_text(begun, "warning"));
	if (!error && !asked->is_json)
		printf("%s is being copied to %s%s\n", asked->words[0], asked->to,
		       asked->is_hasty ? "; remusctl status tells when it is protected" : "");
	fflush(stdout);
	if (!error && !asked->is_hasty) {
		json_decref(reply);
		reply = wait(asked);
	}
	status = verb_print(asked, reply, &result);
	json_decref(result);
	return status;
}

const struct verb verb_protect = {
	.name = "protect",
	.arguments = "VM --to PEER",
	.help = "replicate a running VM to another host",
	.least = 1,
	.most = 1,
	.options = "tinb",
	.run = run,
};
