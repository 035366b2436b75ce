/* remusd's side of the control socket: lines in, verbs called, lines out. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef TOOLSTACK_CONTROL_SERVER_H
#define TOOLSTACK_CONTROL_SERVER_H

#include <ev.h>
#include <jansson.h>

#define CONTROL_CLIENTS_MAX 32u
#define CONTROL_UNREAD_MAX  (256u << 10) /* bytes that may wait for a client */

/*
 * A verb: its fields are a NULL-terminated list of all that a request may have beside "verb", each a string. The
 * function returns a reply, a new reference.
 */
struct control_verb {
	const char *name;
	const char *const *fields;
	json_t *(*serve)(const json_t *request, void *data);
};

struct control_server;

/* Listens at path (a socket of a daemon that died is replaced); mode 0600. NULL and errno: it cannot. verbs ends
 * with a row without a name, and stays the caller's. */
struct control_server *control_serve(struct ev_loop *loop, const char *path,
                                     const struct control_verb *verbs, void *data);
void control_server_free(struct control_server *server);

/* The reply to one line; what control_serve calls. NULL: no memory. */
json_t *control_answer(const struct control_verb *verbs, void *data, const char *line,
                       size_t length);

#endif
