/* A drill's first half: what both hosts say, and whether anything may be moved. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "toolstack/control/client.h"
#include "toolstack/control/message.h"
#include "toolstack/verbs/drill.h"

#define PATIENCE 30u /* seconds, for an answer */

const char *drill_word(const json_t *told, const char *field)
{
	const char *word = json_string_value(json_object_get(told, field));

	return word ? word : "";
}

const char *drill_arbiter(const json_t *told, const char *field)
{
	return drill_word(json_object_get(told, "arbiter"), field);
}

json_int_t drill_number(const json_t *told, const char *field)
{
	return json_integer_value(json_object_get(told, field));
}

/* `replication` of what the verb answers, a new reference; NULL, and why. */
static json_t *ask(struct drill *drill, const char *verb)
{
	json_t *request = json_pack("{s:s, s:s}", "verb", verb, "vm", drill->vm);
	json_t *reply = control_ask(drill->asked->socket_path, request, PATIENCE);
	const json_t *error;
	const json_t *result = control_result(reply, &error);
	json_t *told = json_incref(json_object_get(result, "replication"));

	if (error)
		snprintf(drill->why, sizeof(drill->why), "%s", drill_word(error, "message"));
	else if (!told)
		snprintf(drill->why, sizeof(drill->why), "%s is not protected", drill->vm);
	json_decref(request);
	json_decref(reply);
	return told;
}

bool drill_look(struct drill *drill)
{
	json_decref(drill->here);
	json_decref(drill->there);
	drill->there = NULL;
	drill->here = ask(drill, "status");
	if (drill->here)
		drill->there = ask(drill, "peer");
	return drill->there != NULL;
}

bool drill_is_interrupted(struct drill *drill)
{
	if (*drill->is_interrupted)
		snprintf(drill->why, sizeof(drill->why), "it was interrupted");
	return *drill->is_interrupted;
}

/* --- the checks --- */

static bool is_word(const json_t *told, const char *field, const char *word)
{
	return !strcmp(drill_word(told, field), word);
}

static bool is_set(const json_t *told, const char *field)
{
	return json_is_true(json_object_get(json_object_get(told, "arbiter"), field));
}

static bool runs_here(const struct drill *drill)
{
	return is_word(drill->here, "role", "primary");
}

static bool has_arbiters(const struct drill *drill)
{
	return json_object_get(drill->here, "arbiter") && json_object_get(drill->there, "arbiter");
}

static bool is_replicating(const struct drill *drill)
{
	return is_word(drill->here, "state", "replicating") &&
	       is_word(drill->there, "state", "ready") && is_set(drill->here, "protected") &&
	       is_set(drill->there, "protected");
}

static bool is_quorate(const struct drill *drill)
{
	return is_set(drill->here, "quorate") && is_set(drill->there, "quorate") &&
	       is_set(drill->here, "peer_present") && is_set(drill->there, "peer_present");
}

static bool is_calm(const struct drill *drill)
{
	return !json_object_get(drill->here, "alarm") && !json_object_get(drill->there, "alarm");
}

static bool is_one_generation(const struct drill *drill)
{
	return drill_number(drill->here, "generation") == drill_number(drill->there, "generation");
}

static const struct {
	const char *code, *text;
	bool (*is_right)(const struct drill *drill);
} checks[] = {
	{ "runs-here", "the VM runs on this host", runs_here },
	{ "arbiters", "an arbiter decides on each host", has_arbiters },
	{ "replicating", "it is replicated, and its copy could take over", is_replicating },
	{ "quorum", "both hosts have quorum, and see each other", is_quorate },
	{ "no-alarm", "neither host has an alarm for it", is_calm },
	{ "generation", "both hosts are of one generation", is_one_generation },
};

static void note(struct drill *drill, const char *code, const char *text, bool is_right)
{
	json_array_append_new(json_object_get(drill->report, "checks"),
	                      json_pack("{s:s, s:b, s:s}", "code", code, "ok", is_right, "text",
	                                text));
	if (!is_right && !*drill->why)
		snprintf(drill->why, sizeof(drill->why), "not so: %s", text);
	if (!drill->asked->is_json)
		printf("  %-7s %-12s %s\n", is_right ? "ok" : "FAILED", code, text);
	fflush(stdout);
}

/* Epochs are acknowledged while it is looked at: a link that is up and carries nothing is not enough. */
static bool is_moving(struct drill *drill)
{
	const struct timespec pause = { 0, 500000000 };
	json_int_t first = drill_number(drill->here, "acknowledged");

	for (int i = 0; i < 40 && !drill_is_interrupted(drill); i++) {
		if (drill_number(drill->here, "acknowledged") > first)
			return true;
		nanosleep(&pause, NULL);
		if (!drill_look(drill))
			return false;
	}
	return false;
}

bool drill_check(struct drill *drill)
{
	bool is_told = drill_look(drill);

	note(drill, "both-hosts", "both hosts answer", is_told);
	if (!is_told)
		return false;
	for (unsigned int i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		note(drill, checks[i].code, checks[i].text, checks[i].is_right(drill));
	if (!*drill->why)
		note(drill, "epochs", "epochs are acknowledged", is_moving(drill));
	return !*drill->why;
}
