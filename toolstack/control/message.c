/* Requests and replies as JSON objects. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "toolstack/control/message.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_MAX 512

json_t *control_success(json_t *result)
{
	return json_pack("{s:b, s:o}", "ok", 1, "result", result);
}

json_t *control_refusal(const char *code, const char *remedy, const char *format, ...)
{
	char text[MESSAGE_MAX];
	json_t *message;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	message = json_string(text);
	if (!message) /* bytes of the request that are cut in the middle of a letter */
		message = json_string("what was asked is not UTF-8");
	return json_pack("{s:b, s:{s:s, s:o, s:s}}", "ok", 0, "error", "code", code, "message",
	                 message, "remedy", remedy);
}

json_t *control_parse(const char *line, size_t length)
{
	json_t *object = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);

	if (json_is_object(object))
		return object;
	json_decref(object);
	return NULL;
}

char *control_line(const json_t *message, size_t most)
{
	char *text = json_dumps(message, JSON_COMPACT);
	size_t length;
	char *line;

	if (!text)
		return NULL;
	length = strlen(text);
	line = length + 1 <= most ? realloc(text, length + 2) : NULL;
	if (!line) {
		free(text);
		return NULL;
	}
	strcpy(line + length, "\n");
	return line;
}

static bool is_error(const json_t *error)
{
	return json_is_string(json_object_get(error, "code")) &&
	       json_is_string(json_object_get(error, "message")) &&
	       json_is_string(json_object_get(error, "remedy"));
}

json_t *control_result(const json_t *reply, const json_t **error)
{
	const json_t *ok = json_object_get(reply, "ok");

	*error = NULL;
	if (json_is_true(ok))
		return json_object_get(reply, "result");
	if (json_is_false(ok) && is_error(json_object_get(reply, "error")))
		*error = json_object_get(reply, "error");
	return NULL;
}
