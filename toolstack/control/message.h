/* Requests and replies as JSON objects: made, and checked in form. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef TOOLSTACK_CONTROL_MESSAGE_H
#define TOOLSTACK_CONTROL_MESSAGE_H

#include <jansson.h>
#include <stddef.h>

#define CONTROL_FOLDER "/run/remus"
#define CONTROL_SOCKET CONTROL_FOLDER "/control"
#define CONTROL_LINE_MAX                                                                           \
	65536u /* bytes of a request, with the newline; of what daemons and workers say as well */
#define CONTROL_REPLY_MAX (1u << 20) /* of a reply to a client: a list of all VMs of a host */

/* All that are returned are new references that the caller drops; NULL: no memory. */

json_t *control_success(json_t *result); /* takes over result */
json_t *control_refusal(const char *code, const char *remedy, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The object that a line without its newline holds; NULL if it holds none, or something behind it. */
json_t *control_parse(const char *line, size_t length);

/* The message and its newline, for free(); NULL also if it would be longer than that. */
char *control_line(const json_t *message, size_t most);

/* Of a reply: its result (borrowed), or NULL and its error object (borrowed, with strings code, message and
 * remedy), or both NULL if it is no reply. */
json_t *control_result(const json_t *reply, const json_t **error);

#endif
