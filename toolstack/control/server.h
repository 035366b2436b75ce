/* remusd's side of the control socket: lines in, verbs called, lines out. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef TOOLSTACK_CONTROL_SERVER_H
#define TOOLSTACK_CONTROL_SERVER_H

#include <ev.h>
#include <jansson.h>

#define CONTROL_CLIENTS_MAX 32u
#define CONTROL_UNREAD_MAX  (2u << 20) /* bytes that may wait for a client */

/* A request that is answered later: its client hears nothing else until then. */
struct control_later;

/* Takes over the reply, which is dropped if the client, or the server, has gone meanwhile. To be called exactly once. */
void control_reply(struct control_later *later, json_t *reply);

/*
 * A verb: its fields are a NULL-terminated list of all that a request may have beside "verb": each a string, or, if it begins with
 * '#' here, a whole number that is not negative. serve returns a reply, a new reference. A verb that takes its time has begin in its place, which may call control_reply() too.
 */
struct control_verb {
	const char *name;
	const char *const *fields;
	json_t *(*serve)(const json_t *request, void *data);
	void (*begin)(const json_t *request, void *data, struct control_later *later);
};

struct control_server;

/* Listens at path (a socket of a daemon that died is replaced); mode 0600. NULL and errno: it cannot. verbs ends
 * with a row without a name, and stays the caller's. */
struct control_server *control_serve(struct ev_loop *loop, const char *path,
                                     const struct control_verb *verbs, void *data);
void control_server_free(struct control_server *server);

/* While a verb is served: its client is told events from now on, between replies. */
void control_watch(struct control_server *server);
/* An event to all who watch. Takes it over; whoever does not read is dropped. */
void control_tell(struct control_server *server, json_t *event);

/* The reply to one line; what control_serve calls. NULL: no memory, or a verb that took *later, and sets it to NULL. */
json_t *control_answer(const struct control_verb *verbs, void *data, const char *line,
                       size_t length, struct control_later **later);

#endif
