/* remusctl events [VM] [--follow]: what happened to protected VMs, a line each. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "toolstack/control/client.h"
#include "toolstack/control/codes.h"
#include "toolstack/control/message.h"
#include "toolstack/verbs/terminal.h"
#include "toolstack/verbs/verb.h"
#include "toolstack/verbs/vm.h"

#define PATIENCE 10u /* seconds */

static json_int_t number(const json_t *event, const char *field)
{
	return json_integer_value(json_object_get(event, field));
}

/* time, VM, generation.round, epoch, event, text: what is longer than the terminal is cut, but not in a file. */
static void print_event(const json_t *event)
{
	time_t seconds = (time_t)(number(event, "time") / 1000);
	char line[512], when[32], right[48];
	struct tm local;

	localtime_r(&seconds, &local);
	strftime(when, sizeof(when), "%b %d %H:%M:%S", &local);
	snprintf(right, sizeof(right), "%" JSON_INTEGER_FORMAT ".%" JSON_INTEGER_FORMAT,
	         number(event, "generation"), number(event, "round"));
	snprintf(line, sizeof(line), "%s %-14.63s %-5s %8" JSON_INTEGER_FORMAT "  %-12s %s", when,
	         vm_text(event, "vm"), right, number(event, "epoch"), vm_text(event, "event"),
	         strcmp(vm_text(event, "text"), "-") ? vm_text(event, "text") : "");
	terminal_print(line);
}

/* A machine is given an object a line while it follows: it is told of each at once. */
static void print_json_line(const json_t *event)
{
	json_dumpf(event, stdout, JSON_COMPACT);
	putchar('\n');
}

static json_t *ask(const struct asked *asked, json_int_t since)
{
	const char *vm = asked->count ? asked->words[0] : NULL;
	char text[24];
	json_t *request, *reply;

	snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, since);
	request = json_pack("{s:s, s:s*, s:s*}", "verb", "events", "vm", vm, "since",
	                    since ? text : NULL);
	reply = control_ask(asked->socket_path, request, PATIENCE);
	json_decref(request);
	return reply;
}

/* All that there are after *since, by as many questions as it takes; NULL, or the refusal. */
static json_t *collect(const struct asked *asked, json_int_t *since, json_t *events)
{
	const json_t *error, *result;
	bool is_more = true;

	while (is_more) {
		json_t *reply = ask(asked, *since);

		result = control_result(reply, &error);
		if (error)
			return reply;
		json_array_extend(events, json_object_get(result, "events"));
		*since = number(result, "last");
		is_more = json_is_true(json_object_get(result, "more"));
		json_decref(reply);
	}
	return NULL;
}

static void print_all(const json_t *events, bool is_json)
{
	const json_t *event;
	size_t i;

	json_array_foreach(events, i, event)
	{
		if (is_json)
			print_json_line(event);
		else
			print_event(event);
	}
	fflush(stdout);
}

/* Until it is interrupted, or its reader goes. A daemon that is started anew is waited for. */
static _Noreturn void follow(const struct asked *asked, json_int_t since)
{
	for (;;) {
		json_t *events = json_array(), *refusal;

		sleep(1);
		refusal = collect(asked, &since, events);
		print_all(events, asked->is_json);
		json_decref(events);
		json_decref(refusal);
	}
}

static int run(const struct asked *asked)
{
	json_t *events = json_array(), *refusal, *result;
	json_int_t since = 0;

	refusal = collect(asked, &since, events);
	if (refusal) {
		json_decref(events);
		return verb_print(asked, refusal, &result);
	}
	if (asked->is_json && !asked->is_following)
		return verb_print(asked, control_success(json_pack("{s:o}", "events", events)),
		                  &result);
	if (!asked->is_json)
		printf("%-15s %-14s %-5s %8s  %s\n", "TIME", "VM", "GEN", "EPOCH", "EVENT");
	print_all(events, asked->is_json);
	json_decref(events);
	if (asked->is_following)
		follow(asked, since);
	return CONTROL_EXIT_DONE;
}

const struct verb verb_events = {
	.name = "events",
	.arguments = "[VM]",
	.help = "what happened to protected VMs",
	.most = 1,
	.options = "F",
	.run = run,
};
