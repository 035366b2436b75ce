/* From a line to the verb that it asks for. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <stdbool.h>
#include <string.h>

#include "toolstack/control/codes.h"
#include "toolstack/control/message.h"
#include "toolstack/control/server.h"

static const struct control_verb *find(const struct control_verb *verbs, const char *name)
{
	for (; verbs->name; verbs++) {
		if (!strcmp(verbs->name, name))
			return verbs;
	}
	return NULL;
}

static bool is_right(const char *field, const json_t *value)
{
	return *field == '#' ? json_is_integer(value) && json_integer_value(value) >= 0
	                     : json_is_string(value);
}

static bool may_have(const struct control_verb *verb, const char *name, const json_t *value)
{
	for (const char *const *field = verb->fields; *field; field++) {
		if (!strcmp(*field + (**field == '#'), name))
			return is_right(*field, value);
	}
	return false;
}

/* The name of a field that should not be, or is of the wrong kind; NULL: all are right. */
static const char *wrong_field(const struct control_verb *verb, json_t *request)
{
	const char *name;
	json_t *value;

	json_object_foreach(request, name, value)
	{
		if (strcmp(name, "verb") && !may_have(verb, name, value))
			return name;
	}
	return NULL;
}

static json_t *call(const struct control_verb *verbs, void *data, json_t *request,
                    struct control_later **later)
{
	const char *name = json_string_value(json_object_get(request, "verb"));
	const struct control_verb *verb;
	const char *wrong;

	if (!name)
		return control_refusal(CONTROL_BAD_REQUEST, "", "a request has a verb");
	verb = find(verbs, name);
	if (!verb)
		return control_refusal(CONTROL_UNKNOWN_VERB, "remusctl help",
		                       "this remusd knows no verb %.64s", name);
	wrong = wrong_field(verb, request);
	if (wrong)
		return control_refusal(CONTROL_BAD_REQUEST, "remusctl help",
		                       "%s takes no such field, or not in that form: %.64s", name,
		                       wrong);
	if (verb->begin) {
		struct control_later *taken = *later;

		*later = NULL;
		verb->begin(request, data, taken);
		return NULL;
	}
	return verb->serve(request, data);
}

json_t *control_answer(const struct control_verb *verbs, void *data, const char *line,
                       size_t length, struct control_later **later)
{
	json_t *request = control_parse(line, length);
	json_t *reply;

	if (!request)
		return control_refusal(CONTROL_BAD_REQUEST, "",
		                       "a request is one JSON object to a line");
	reply = call(verbs, data, request, later);
	json_decref(request);
	return reply;
}
