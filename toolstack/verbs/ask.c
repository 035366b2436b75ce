/* Between a verb and remusd. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>
#include <stdlib.h>

#include "toolstack/control/client.h"
#include "toolstack/control/codes.h"
#include "toolstack/control/message.h"
#include "toolstack/verbs/verb.h"

#define PATIENCE 10u /* seconds */

static void print_json(const json_t *reply)
{
	json_dumpf(reply, stdout, JSON_INDENT(2));
	putchar('\n');
}

static const char *text(const json_t *object, const char *field)
{
	const char *found = json_string_value(json_object_get(object, field));

	return found ? found : "";
}

static void print_error(const json_t *error)
{
	const json_t *blocker;
	size_t i;
	const char *remedy = json_string_value(json_object_get(error, "remedy"));

	fprintf(stderr, "remusctl: %s [%s]\n", json_string_value(json_object_get(error, "message")),
	        json_string_value(json_object_get(error, "code")));
	json_array_foreach(json_object_get(error, "blockers"), i, blocker)
	{
		fprintf(stderr, "  %-14s %s\n", text(blocker, "code"), text(blocker, "message"));
		fprintf(stderr, "  %-14s try: %s\n", "", text(blocker, "remedy"));
	}
	if (*remedy)
		fprintf(stderr, "  try: %s\n", remedy);
}

int verb_print(const struct asked *asked, json_t *reply, json_t **result)
{
	int status = CONTROL_EXIT_DONE;
	const json_t *error;

	*result = json_incref(control_result(reply, &error));
	if (error) {
		status = control_exit_of(json_string_value(json_object_get(error, "code")));
		if (!asked->is_json)
			print_error(error);
	}
	if (asked->is_json) {
		print_json(reply);
		json_decref(*result);
		*result = NULL;
	}
	json_decref(reply);
	return status;
}

int verb_order(const struct asked *asked, json_t *request, unsigned int seconds, json_t **result)
{
	json_t *reply = control_ask(asked->socket_path, request, seconds);

	json_decref(request);
	return verb_print(asked, reply, result);
}

int verb_ask(const struct asked *asked, json_t *request, json_t **result)
{
	return verb_order(asked, request, PATIENCE, result);
}
