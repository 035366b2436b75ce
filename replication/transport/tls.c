/* TLS 1.3 over TCP, mutual certificates: the transport that is always there. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "replication/transport/tls.h"
#include "replication/transport/tls_connection.h"

/* A VM has one peer; a few more may knock at the same time. */
#define BACKLOG 8
/* Of a listener: who has not proved itself counts too. */
#define CONNECTIONS_MAX 16u

struct listener {
	struct transport *transport;
	ev_io io;
	const struct connection_events *(*accepted)(void *context, struct connection *connection,
	                                            void **user);
	void *context;
};

static void say_system(char *why, const char *what, const char *address, uint16_t port)
{
	snprintf(why, TRANSPORT_WHY_MAX, "%s %s port %u: %s", what, address, port, strerror(errno));
}

static struct transport *open_transport(struct ev_loop *loop,
                                        const struct transport_settings *settings, char *why)
{
	struct transport *transport = calloc(1, sizeof(*transport));

	if (!transport) {
		snprintf(why, TRANSPORT_WHY_MAX, "no memory");
		return NULL;
	}
	transport->loop = loop;
	transport->settings = *settings;
	transport->settings.peer = strdup(settings->peer);
	transport->settings.ca = transport->settings.certificate = transport->settings.key = NULL;
	transport->context = tls_context_new(settings, why);
	if (!transport->context || !transport->settings.peer) {
		SSL_CTX_free(transport->context);
		free((void *)(uintptr_t)transport->settings.peer);
		free(transport);
		return NULL;
	}
	return transport;
}

static void free_transport(struct transport *transport)
{
	tls_connections_end(transport);
	SSL_CTX_free(transport->context);
	free((void *)(uintptr_t)transport->settings.peer);
	free(transport);
}

static int find_address(const char *address, uint16_t port, bool is_passive,
                        struct addrinfo **found, char *why)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		                  .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV |
		                              (is_passive ? AI_PASSIVE : 0) };
	char service[8];

	snprintf(service, sizeof(service), "%u", port);
	if (getaddrinfo(address, service, &hints, found) == 0)
		return 0;
	snprintf(why, TRANSPORT_WHY_MAX, "%s is not a numeric address", address);
	return -EINVAL;
}

static int open_socket(const struct addrinfo *found)
{
	return socket(found->ai_family, found->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
	              found->ai_protocol);
}

static struct connection *connect_to(struct transport *transport, const char *address,
                                     uint16_t port, const struct connection_events *events,
                                     void *user, char *why)
{
	struct connection *connection;
	struct addrinfo *found;
	int descriptor, err;

	if (find_address(address, port, false, &found, why) != 0)
		return NULL;
	descriptor = open_socket(found);
	err = descriptor < 0 ? -1 : connect(descriptor, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	if (err && errno != EINPROGRESS) {
		say_system(why, "connecting to", address, port);
		if (descriptor >= 0)
			close(descriptor);
		return NULL;
	}
	connection = tls_connection_new(transport, descriptor, false);
	if (!connection) {
		snprintf(why, TRANSPORT_WHY_MAX, "no memory");
		return NULL;
	}
	tls_connection_start(connection, events, user);
	return connection;
}

static void on_knock(struct ev_loop *loop, ev_io *io, int revents)
{
	struct listener *listener = io->data;
	const struct connection_events *events;
	struct connection *connection;
	void *user;
	int descriptor = accept4(io->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)loop;
	(void)revents;
	if (descriptor < 0)
		return; /* it has gone already, or will be there in the next round */
	if (listener->transport->connections >= CONNECTIONS_MAX) {
		close(descriptor);
		return;
	}
	connection = tls_connection_new(listener->transport, descriptor, true);
	if (!connection)
		return;
	events = listener->accepted(listener->context, connection, &user);
	if (events)
		tls_connection_start(connection, events, user);
	else
		tls_connection_close(connection, false);
}

static int bind_socket(const struct addrinfo *found)
{
	static const int on = 1;
	int descriptor = open_socket(found);

	if (descriptor < 0)
		return -1;
	setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(descriptor, found->ai_addr, found->ai_addrlen) == 0 &&
	    listen(descriptor, BACKLOG) == 0)
		return descriptor;
	close(descriptor);
	return -1;
}

static struct listener *listen_at(
	struct transport *transport, const char *address, uint16_t port,
	const struct connection_events *(*accepted)(void *context, struct connection *connection,
                                                    void **user),
	void *context, char *why)
{
	struct listener *listener = calloc(1, sizeof(*listener));
	struct addrinfo *found;
	int descriptor;

	if (!listener || find_address(address, port, true, &found, why) != 0) {
		free(listener);
		return NULL;
	}
	descriptor = bind_socket(found);
	freeaddrinfo(found);
	if (descriptor < 0) {
		say_system(why, "listening at", address, port);
		free(listener);
		return NULL;
	}
	listener->transport = transport;
	listener->accepted = accepted;
	listener->context = context;
	ev_io_init(&listener->io, on_knock, descriptor, EV_READ);
	listener->io.data = listener;
	ev_io_start(transport->loop, &listener->io);
	return listener;
}

static uint16_t listener_port(const struct listener *listener)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} address = { .any.sa_family = AF_UNSPEC };
	socklen_t size = sizeof(address);

	getsockname(listener->io.fd, &address.any, &size);
	return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port
	                                               : address.v4.sin_port);
}

static void unlisten(struct listener *listener)
{
	ev_io_stop(listener->transport->loop, &listener->io);
	close(listener->io.fd);
	free(listener);
}

const struct transport_ops tls_transport = {
	.name = "tls",
	.open = open_transport,
	.free = free_transport,
	.connect = connect_to,
	.listen = listen_at,
	.listener_port = listener_port,
	.unlisten = unlisten,
	.send = tls_connection_send,
	.queued = tls_connection_queued,
	.pause = tls_connection_pause,
	.peer = tls_connection_peer,
	.close = tls_connection_close,
};
