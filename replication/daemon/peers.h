/* One request to the remusd of another host, and its reply: a JSON line each, over TLS 1.3 with certificates both ways. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_DAEMON_PEERS_H
#define REPLICATION_DAEMON_PEERS_H

#include <ev.h>
#include <jansson.h>

#include "replication/transport/transport.h"
#include "toolstack/config/config.h"

struct peers;
struct talk;

/*
 * Asked by a peer that has proved its name. The request is any JSON object. To be answered by peers_reply(), within the
 * call or later, exactly once.
 */
typedef void peers_serve(const char *peer, const json_t *request, struct talk *talk, void *data);

/* Listens as the configuration says, which is kept. NULL with why (of TRANSPORT_WHY_MAX) set: certificates that cannot be
 * read, an address that cannot be listened at. All hosts listen at the same port. */
struct peers *peers_open(struct ev_loop *loop, const struct config *config, peers_serve *serve,
                         void *data, char *why);

/* Who was asked will not answer any more: done() is not called. What was not answered may not be answered later. */
void peers_close(struct peers *peers);

/* Takes over the reply. */
void peers_reply(struct talk *talk, json_t *reply);

/*
 * Asks a peer of the configuration; takes over the request. done() is called once, not within this call, with what it
 * answered or a refusal that was made here (no-peer), which it may keep a reference to. NULL: no memory, and done()
 * will not be called.
 */
struct talk *peers_ask(struct peers *peers, const char *peer, json_t *request, double seconds,
                       void (*done)(const json_t *reply, void *data), void *data);

/* The answer is not wanted any more. */
void peers_drop(struct talk *talk);

#endif
