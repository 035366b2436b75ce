/* One connection of TLS over TCP: handshake, bytes in and out, its end. */
/* SPDX-License-Identifier: Apache-2.0
 *
 *   CONNECTING --connected--> SHAKING --peer proved--> OPEN --close(flushed)--> FINISHING --> freed
 *       `------------------------`-----------------------`---- error, close() --------------> freed
 */

#ifndef REPLICATION_TRANSPORT_TLS_CONNECTION_H
#define REPLICATION_TRANSPORT_TLS_CONNECTION_H

#include <sys/socket.h>

#include "replication/transport/queue.h"
#include "replication/transport/tls_context.h"

struct transport {
	struct ev_loop *loop;
	SSL_CTX *context;
	struct transport_settings settings; /* strings are copies */
	struct connection *first;           /* of those there are */
	unsigned int connections;
};

/* A socket that connects, or was accepted (is_server). Takes over the descriptor in any case. NULL: no memory. */
struct connection *tls_connection_new(struct transport *transport, int descriptor, bool is_server);
void tls_connection_start(struct connection *connection, const struct connection_events *events,
                          void *user);

int tls_connection_send(struct connection *connection, const struct send_piece *pieces,
                        unsigned int count);
size_t tls_connection_queued(const struct connection *connection);
void tls_connection_pause(struct connection *connection, bool is_paused);
const char *tls_connection_peer(const struct connection *connection);
void tls_connection_close(struct connection *connection, bool is_flushed);

/* At once, all that are still finishing. */
void tls_connections_end(struct transport *transport);

#endif
