/* Feeds lines to the control socket's parser; each must be answered with something that is a reply. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: toolstack/control/answer.c toolstack/control/message.c */
/* libs: -ljansson */

#include <stdint.h>
#include <stdlib.h>

#include "toolstack/control/message.h"
#include "toolstack/control/server.h"

static json_t *serve(const json_t *request, void *data)
{
	return control_success(json_pack("{s:O?}", "said", json_object_get(request, "vm")));
}

static const char *const fields[] = { "vm", NULL };
static const struct control_verb verbs[] = { { .name = "status", .fields = fields, .serve = serve },
	                                     { 0 } };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct control_later *later = NULL;
	json_t *reply = control_answer(verbs, NULL, (const char *)bytes, size, &later);
	const json_t *error;

	if (!reply || (!control_result(reply, &error) && !error))
		abort();
	free(control_line(reply, CONTROL_REPLY_MAX));
	json_decref(reply);
	return 0;
}
