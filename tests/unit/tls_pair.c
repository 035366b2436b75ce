/* Two ends of a TLS connection in one loop. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/certificates.h"
#include "tests/unit/tls_pair.h"

static void on_opened(void *user)
{
	((struct end *)user)->opened++;
}

static uint8_t *on_room(void *user, size_t *size)
{
	*size = ROOM;
	return ((struct end *)user)->room;
}

static void on_filled(void *user, size_t size)
{
	struct end *end = user;

	for (size_t i = 0; i < size; i++)
		end->sum = end->sum * 31 + end->room[i];
	end->received += size;
}

static void on_writable(void *user)
{
	((struct end *)user)->writable++;
}

static void on_closed(void *user, int error, const char *why)
{
	struct end *end = user;

	end->closed++;
	end->error = error;
	end->connection = NULL;
	snprintf(end->why, sizeof(end->why), "%s", why);
}

const struct connection_events events = { on_opened, on_room, on_filled, on_writable, on_closed };

const struct connection_events *on_accepted(void *context, struct connection *connection,
                                            void **user)
{
	struct pair *pair = context;

	pair->server.connection = connection;
	*user = &pair->server;
	return &events;
}

struct transport *open_end(struct ev_loop *loop, const char *ca, const char *who, const char *peer,
                           char *why)
{
	char ca_file[64], certificate[64], key[64];
	struct transport_settings settings = {
		.peer = peer, .queue_max = QUEUE_MAX, .open_timeout = 10., .silence_ms = 10000
	};

	snprintf(ca_file, sizeof(ca_file), "%s.pem", ca);
	snprintf(certificate, sizeof(certificate), "%s.pem", who);
	snprintf(key, sizeof(key), "%s.key", who);
	settings.ca = certificates_path(ca_file);
	settings.certificate = certificates_path(certificate);
	settings.key = certificates_path(key);
	return OPS->open(loop, &settings, why);
}

void start(struct pair *pair, const char *client_ca, const char *client, const char *server_ca,
           const char *server)
{
	char why[TRANSPORT_WHY_MAX] = "";

	pair->client.transport = open_end(pair->loop, client_ca, client, "b", why);
	assert_string_equal(why, "");
	pair->server.transport = open_end(pair->loop, server_ca, server, "a", why);
	assert_string_equal(why, "");
	pair->listener = OPS->listen(pair->server.transport, "127.0.0.1", 0, on_accepted, pair,
	                             why);
	assert_non_null(pair->listener);
	pair->port = OPS->listener_port(pair->listener);
}

void join(struct pair *pair)
{
	char why[TRANSPORT_WHY_MAX];

	pair->client.connection = OPS->connect(pair->client.transport, "127.0.0.1", pair->port,
	                                       &events, &pair->client, why);
	assert_non_null(pair->client.connection);
}

static void on_tick(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)loop;
	(void)timer;
	(void)revents;
}

static ev_timer tick;

int set_up(void **state)
{
	struct pair *pair = calloc(1, sizeof(*pair));

	pair->loop = ev_loop_new(EVFLAG_AUTO);
	ev_timer_init(&tick, on_tick, 0.02, 0.02);
	ev_timer_start(pair->loop, &tick);
	*state = pair;
	return 0;
}

static void close_end(struct end *end)
{
	if (end->connection)
		OPS->close(end->connection, false);
	end->connection = NULL;
}

int tear_down(void **state)
{
	struct pair *pair = *state;

	close_end(&pair->client);
	close_end(&pair->server);
	if (pair->listener)
		OPS->unlisten(pair->listener);
	if (pair->client.transport)
		OPS->free(pair->client.transport);
	if (pair->server.transport)
		OPS->free(pair->server.transport);
	ev_loop_destroy(pair->loop);
	free(pair);
	return 0;
}

void open_pair(struct pair *pair)
{
	start(pair, "ca", "a", "ca", "b");
	join(pair);
	UNTIL(pair->client.opened && pair->server.opened);
}
