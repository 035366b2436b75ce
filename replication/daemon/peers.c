/* One request to the remusd of another host, and its reply: a JSON line each, over TLS 1.3 with certificates both ways. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/daemon/peers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "replication/transport/tls.h"
#include "toolstack/control/codes.h"
#include "toolstack/control/message.h"

/* Seconds until a connection must be open, and until who has connected must have said what it wants. */
#define OPEN_TIMEOUT 20.0
#define SAY_TIMEOUT  30.0
/* Bytes sent and not acknowledged for so long end it. */
#define SILENCE_MS 20000u
#define NAMES_SIZE (CONFIG_PEERS_MAX * CONFIG_NAME_SIZE)

/* A connection and what is said over it: one request, one reply. */
struct talk {
	struct talk *next, **at;
	struct peers *peers;
	struct connection *connection; /* NULL: gone, or none could be made */
	char name[CONFIG_NAME_SIZE];   /* of the other host; "" until it has proved it */
	bool is_ours;                  /* we ask */
	bool is_awaited;               /* the other asks, and waits for our reply */
	ev_timer patience;
	char *request; /* ours, to be sent when it is open */
	void (*done)(const json_t *reply, void *data);
	void *data;
	char why[TRANSPORT_WHY_MAX]; /* no connection could be made */
	size_t used;
	char line[CONTROL_LINE_MAX];
};

struct peers {
	struct ev_loop *loop;
	const struct config *config;
	peers_serve *serve;
	void *data;
	struct transport *inward, *outward[CONFIG_PEERS_MAX];
	struct listener *listener;
	struct talk *talks;
};

#define OPS (&tls_transport)

static void forget(struct talk *talk)
{
	*talk->at = talk->next;
	if (talk->next)
		talk->next->at = talk->at;
	ev_timer_stop(talk->peers->loop, &talk->patience);
	free(talk->request);
	free(talk);
}

static void hang_up(struct talk *talk, bool is_flushed)
{
	if (talk->connection)
		OPS->close(talk->connection, is_flushed);
	talk->connection = NULL;
}

static struct talk *new_talk(struct peers *peers)
{
	struct talk *talk = calloc(1, sizeof(*talk));

	if (!talk)
		return NULL;
	talk->peers = peers;
	talk->at = &peers->talks;
	talk->next = peers->talks;
	if (talk->next)
		talk->next->at = &talk->next;
	peers->talks = talk;
	return talk;
}

/* Of one that we ask: it is over, and the talk gone. */
static void finish(struct talk *talk, json_t *reply)
{
	void (*done)(const json_t *reply, void *data) = talk->done;
	void *data = talk->data;

	hang_up(talk, false);
	forget(talk);
	done(reply, data);
	json_decref(reply);
}

static void fail(struct talk *talk, const char *why)
{
	finish(talk, control_refusal(CONTROL_NO_PEER, "remusctl doctor, on both hosts",
	                             "%s cannot be asked: %s", talk->name, why));
}

static int send_line(struct talk *talk, const char *line)
{
	struct send_piece piece = { .bytes = line, .size = strlen(line) };

	return OPS->send(talk->connection, &piece, 1);
}

static void on_opened(void *user)
{
	struct talk *talk = user;

	if (!talk->is_ours)
		snprintf(talk->name, sizeof(talk->name), "%s", OPS->peer(talk->connection));
	else if (send_line(talk, talk->request))
		fail(talk, "no memory");
}

static uint8_t *on_room(void *user, size_t *size)
{
	struct talk *talk = user;

	*size = sizeof(talk->line) - talk->used;
	return (uint8_t *)talk->line + talk->used;
}

static void take_reply(struct talk *talk, size_t length)
{
	json_t *reply = control_parse(talk->line, length);
	const json_t *error;

	if (reply && (control_result(reply, &error) || error)) {
		finish(talk, reply);
		return;
	}
	json_decref(reply);
	fail(talk, "its answer is none");
}

static void take_request(struct talk *talk, size_t length)
{
	json_t *request = control_parse(talk->line, length);
	struct peers *peers = talk->peers;

	ev_timer_stop(peers->loop, &talk->patience);
	OPS->pause(talk->connection, true);
	talk->is_awaited = true;
	if (request)
		peers->serve(talk->name, request, talk, peers->data);
	else
		peers_reply(talk, control_refusal(CONTROL_BAD_REQUEST, "",
		                                  "a request is one JSON object to a line"));
	json_decref(request);
}

static void on_filled(void *user, size_t size)
{
	struct talk *talk = user;
	char *end = memchr(talk->line + talk->used, '\n', size);

	talk->used += size;
	if (talk->is_awaited)
		return;
	if (end && talk->is_ours)
		take_reply(talk, (size_t)(end - talk->line));
	else if (end)
		take_request(talk, (size_t)(end - talk->line));
	else if (talk->used == sizeof(talk->line) && talk->is_ours)
		fail(talk, "its answer is too long");
	else if (talk->used == sizeof(talk->line)) {
		log_warning("%s says too much at once: hung up", talk->name);
		hang_up(talk, false);
		forget(talk);
	}
}

static void on_writable(void *user)
{
	(void)user;
}

/* The connection has gone by itself. */
static void on_closed(void *user, int error, const char *why)
{
	struct talk *talk = user;

	talk->connection = NULL;
	if (talk->is_ours) {
		fail(talk, why);
		return;
	}
	if (error && !*talk->name)
		log_warning("a peer is not believed: %s", why);
	if (!talk->is_awaited)
		forget(talk);
}

static const struct connection_events connection_events = {
	.opened = on_opened,
	.room = on_room,
	.filled = on_filled,
	.writable = on_writable,
	.closed = on_closed,
};

void peers_reply(struct talk *talk, json_t *reply)
{
	char *line = reply ? control_line(reply, CONTROL_LINE_MAX) : NULL;

	json_decref(reply);
	if (talk->connection && line)
		send_line(talk, line);
	free(line);
	hang_up(talk, true);
	forget(talk);
}

static void on_patience(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct talk *talk = timer->data;

	(void)loop;
	(void)events;
	if (talk->is_ours) {
		fail(talk, *talk->why ? talk->why : "it does not answer");
		return;
	}
	hang_up(talk, false);
	forget(talk);
}

static void set_patience(struct talk *talk, double seconds)
{
	ev_timer_init(&talk->patience, on_patience, seconds, 0.);
	talk->patience.data = talk;
	ev_timer_start(talk->peers->loop, &talk->patience);
}

static const struct connection_events *on_accepted(void *context, struct connection *connection,
                                                   void **user)
{
	struct talk *talk = new_talk(context);

	if (!talk)
		return NULL;
	talk->connection = connection;
	set_patience(talk, SAY_TIMEOUT);
	*user = talk;
	return &connection_events;
}

static struct transport *open_transport(struct peers *peers, const char *names, char *why)
{
	const struct config *config = peers->config;
	struct transport_settings settings = { .ca = config->authority,
		                               .certificate = config->certificate,
		                               .key = config->key,
		                               .peer = names,
		                               .queue_max = 2 * CONTROL_LINE_MAX,
		                               .open_timeout = OPEN_TIMEOUT,
		                               .silence_ms = SILENCE_MS };

	return OPS->open(peers->loop, &settings, why);
}

static void connect_talk(struct talk *talk, const struct config_peer *peer)
{
	struct peers *peers = talk->peers;
	struct transport **transport = &peers->outward[peer - peers->config->peers];

	if (!*transport)
		*transport = open_transport(peers, peer->name, talk->why);
	if (*transport)
		talk->connection = OPS->connect(*transport, peer->address, peers->config->port,
		                                &connection_events, talk, talk->why);
}

struct talk *peers_ask(struct peers *peers, const char *name, json_t *request, double seconds,
                       void (*done)(const json_t *reply, void *data), void *data)
{
	const struct config_peer *peer = config_peer(peers->config, name);
	struct talk *talk = new_talk(peers);

	if (talk)
		talk->request = control_line(request, CONTROL_LINE_MAX);
	json_decref(request);
	if (!talk)
		return NULL;
	talk->is_ours = true;
	talk->done = done;
	talk->data = data;
	snprintf(talk->name, sizeof(talk->name), "%s", name);
	if (!talk->request)
		snprintf(talk->why, sizeof(talk->why), "that is too long to ask");
	else if (!peer)
		snprintf(talk->why, sizeof(talk->why), "it is no peer of this host");
	else
		connect_talk(talk, peer);
	set_patience(talk, talk->connection ? seconds : 0.);
	return talk;
}

void peers_drop(struct talk *talk)
{
	hang_up(talk, false);
	forget(talk);
}

/* All that may connect. */
static void name_all(const struct config *config, char names[NAMES_SIZE])
{
	names[0] = 0;
	for (unsigned int i = 0; i < config->peer_count; i++) {
		strcat(names, i ? " " : "");
		strcat(names, config->peers[i].name);
	}
}

struct peers *peers_open(struct ev_loop *loop, const struct config *config, peers_serve *serve,
                         void *data, char *why)
{
	struct peers *peers = calloc(1, sizeof(*peers));
	char names[NAMES_SIZE];

	if (!peers) {
		snprintf(why, TRANSPORT_WHY_MAX, "no memory");
		return NULL;
	}
	*peers = (struct peers){ .loop = loop, .config = config, .serve = serve, .data = data };
	name_all(config, names);
	peers->inward = open_transport(peers, names, why);
	if (peers->inward)
		peers->listener = OPS->listen(peers->inward, config->listen, config->port,
		                              on_accepted, peers, why);
	if (peers->listener)
		return peers;
	peers_close(peers);
	return NULL;
}

void peers_close(struct peers *peers)
{
	if (peers->listener)
		OPS->unlisten(peers->listener);
	while (peers->talks)
		peers_drop(peers->talks);
	if (peers->inward)
		OPS->free(peers->inward);
	for (unsigned int i = 0; i < CONFIG_PEERS_MAX; i++) {
		if (peers->outward[i])
			OPS->free(peers->outward[i]);
	}
	free(peers);
}
