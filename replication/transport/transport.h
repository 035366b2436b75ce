/* What carries bytes between two hosts, as a table: TLS over TCP today, others under the same frames later. */
/* SPDX-License-Identifier: Apache-2.0
 *
 * Everything happens in one thread, on a libev loop, and nothing waits. A connection belongs to the transport; its user
 * holds a pointer to it from connect() or accepted() on until closed() was called, or close() was.
 */

#ifndef REPLICATION_TRANSPORT_TRANSPORT_H
#define REPLICATION_TRANSPORT_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ev.h>

#define TRANSPORT_WHY_MAX 256u

struct connection;

/* What a user is told. All but closed() may end the connection by close(). */
struct connection_events {
	/* The peer has proved who it is. Before this nothing can be sent. */
	void (*opened)(void *user);
	/* Where received bytes go: the user's memory, *size > 0 of it; then how many came. Ordered and whole, or
	 * the connection ends. */
	uint8_t *(*room)(void *user, size_t *size);
	void (*filled)(void *user, size_t size);
	/* After send() said -EAGAIN: there is room again. */
	void (*writable)(void *user);
	/* The end, unless the user made it. error: 0 the peer closed it orderly; otherwise a negative errno. why is one
	 * line for people. */
	void (*closed)(void *user, int error, const char *why);
};

/* release (if not NULL) is called with owner once the bytes are not needed any more, also when the connection ends;
 * never within send(). Without release the bytes are copied: for small ones. */
struct send_piece {
	const void *bytes;
	size_t size;
	void (*release)(void *owner);
	void *owner;
};

struct transport_settings {
	/* Paths of PEM files: the CA's certificates that peers must have, our certificate with its chain, its key. */
	const char *ca, *certificate, *key;
	const char *
		peer; /* the name that the peer's certificate must bear; for a listener also several, with blanks between */
	size_t queue_max;    /* bytes: what is queued beyond makes send() say -EAGAIN */
	double open_timeout; /* seconds until opened() */
	unsigned int
		silence_ms; /* unacknowledged bytes for so long end the connection (TCP_USER_TIMEOUT) */
};

struct transport;
struct listener;

struct transport_ops {
	const char *name;

	/* *why: room of TRANSPORT_WHY_MAX, set on error. Files are read here, once. */
	struct transport *(*open)(struct ev_loop *loop, const struct transport_settings *settings,
	                          char *why);
	/* After its listeners, and when nobody holds a connection: those that are still being closed end here. */
	void (*free)(struct transport *transport);

	/* address is numeric: a name would have to be waited for. NULL with *why set if it cannot even be tried. */
	struct connection *(*connect)(struct transport *transport, const char *address,
	                              uint16_t port, const struct connection_events *events,
	                              void *user, char *why);

	/* accepted() is asked for each peer that connects, before it has proved anything: returns its events and sets
	 * *user, or NULL to turn it away. */
	struct listener *(*listen)(struct transport *transport, const char *address, uint16_t port,
	                           const struct connection_events *(*accepted)(
					   void *context, struct connection *connection,
					   void **user),
	                           void *context, char *why);
	uint16_t (*listener_port)(const struct listener *listener);
	void (*unlisten)(struct listener *listener);

	/* 0: all pieces will be sent, in order. -EAGAIN: nothing was taken, wait for writable(). -EPIPE: not open. -ENOMEM */
	int (*send)(struct connection *connection, const struct send_piece *pieces,
	            unsigned int count);
	size_t (*queued)(const struct connection *connection); /* bytes */

	/* Take no more bytes from the peer until told so: it is held back by its own queue. */
	void (*pause)(struct connection *connection, bool is_paused);

	/* That of the names that the peer has proved, after opened(). */
	const char *(*peer)(const struct connection *connection);

	/* At once; or after what is queued has gone, a short time at most. closed() does not come. */
	void (*close)(struct connection *connection, bool is_flushed);
};

#endif
