/* Frames between two ends in one loop: order, keepalives, silence, and peers that send what cannot be. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/transport/channel.c replication/transport/tls.c replication/transport/tls_connection.c replication/transport/tls_context.c replication/transport/queue.c replication/wire/frame.c replication/wire/body.c tests/unit/certificates.c */
/* libs: -lssl -lcrypto -lev -lxxhash */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "replication/transport/channel.h"
#include "replication/transport/tls.h"
#include "tests/unit/certificates.h"
#include "tests/unit/until.h"

#define OPS (&tls_transport)

struct end {
	struct transport *transport;
	struct channel *channel;
	struct peer *peer;
	uint32_t sequence;
	int frames, closed, error, writable;
	int close_at; /* the frame within which it closes; 0: none */
	uint64_t last_epoch;
	uint32_t last_size;
	char why[TRANSPORT_WHY_MAX];
};

struct pair {
	struct ev_loop *loop;
	struct listener *listener;
	struct channel_settings settings;
	struct end client, server;
};

static void on_opened(void *user, struct peer *peer, const char *name)
{
	struct end *end = user;

	assert_int_equal(strlen(name), 1);
	end->peer = peer;
}

static void on_frame(void *user, const struct frame *frame)
{
	struct end *end = user;

	assert_true(frame->epoch == 0 || frame->epoch == end->last_epoch + 1);
	end->last_epoch = frame->epoch;
	end->last_size = frame->size;
	if (++end->frames == end->close_at)
		end->peer->ops->close(end->peer);
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
	end->peer = NULL;
	end->channel = NULL;
	snprintf(end->why, sizeof(end->why), "%s", why);
}

static const struct channel_events events = { on_opened, on_frame, on_writable, on_closed };

static const struct connection_events *on_accepted(void *context, struct connection *connection,
                                                   void **user)
{
	struct pair *pair = context;
	const struct connection_events *to_return = channel_accept(OPS, connection, pair->loop,
	                                                           &pair->settings, &events,
	                                                           &pair->server,
	                                                           &pair->server.channel);

	*user = pair->server.channel;
	return to_return;
}

static struct transport *open_end(struct ev_loop *loop, const char *certificate, const char *key,
                                  const char *peer)
{
	char why[TRANSPORT_WHY_MAX];
	struct transport_settings settings = { .ca = certificates_path("ca.pem"),
		                               .certificate = certificates_path(certificate),
		                               .key = certificates_path(key),
		                               .peer = peer,
		                               .queue_max = 1u << 20,
		                               .open_timeout = 10.,
		                               .silence_ms = 10000 };

	return OPS->open(loop, &settings, why);
}

static void on_tick(struct ev_loop *loop, ev_timer *timer, int revents)
{
	(void)loop;
	(void)timer;
	(void)revents;
}

#define UNTIL(condition) UNTIL_IN(pair->loop, condition)

static ev_timer tick;

static int set_up(void **state)
{
	struct pair *pair = calloc(1, sizeof(*pair));
	char why[TRANSPORT_WHY_MAX];

	pair->loop = ev_loop_new(EVFLAG_AUTO);
	ev_timer_init(&tick, on_tick, 0.02, 0.02);
	ev_timer_start(pair->loop, &tick);
	pair->settings = (struct channel_settings){ .keepalive = 0.05, .silence = 10. };
	pair->client.transport = open_end(pair->loop, "a.pem", "a.key", "b");
	pair->server.transport = open_end(pair->loop, "b.pem", "b.key", "a");
	pair->listener = OPS->listen(pair->server.transport, "127.0.0.1", 0, on_accepted, pair,
	                             why);
	*state = pair;
	return 0;
}

static int tear_down(void **state)
{
	struct pair *pair = *state;

	if (pair->client.channel)
		channel_close(pair->client.channel);
	if (pair->server.channel)
		channel_close(pair->server.channel);
	OPS->unlisten(pair->listener);
	OPS->free(pair->client.transport);
	OPS->free(pair->server.transport);
	ev_loop_destroy(pair->loop);
	free(pair);
	return 0;
}

static void open_pair(struct pair *pair)
{
	char why[TRANSPORT_WHY_MAX];

	pair->client.channel = channel_connect(OPS, pair->client.transport, pair->loop, "127.0.0.1",
	                                       OPS->listener_port(pair->listener), &pair->settings,
	                                       &events, &pair->client, why);
	assert_non_null(pair->client.channel);
	UNTIL(pair->client.peer && pair->server.peer);
}

static int say(struct end *end, uint64_t epoch, const void *body, uint32_t size)
{
	struct wire_header header;
	int err;

	frame_seal(&header, WIRE_PAGES, end->sequence, 1, epoch, body, size);
	err = end->peer->ops->send(end->peer, &header, body);
	if (!err)
		end->sequence++;
	return err;
}

static void frames_come_in_order(void **state)
{
	struct pair *pair = *state;
	uint8_t *body = calloc(1, WIRE_BODY_MAX);

	open_pair(pair);
	for (uint32_t i = 1; i <= 50; i++) {
		uint32_t size = i % 3 == 0 ? WIRE_BODY_MAX : i % 3 == 1 ? 0 : i * 100;
		int err;

		while ((err = say(&pair->client, i, body, size)) == -EAGAIN)
			ev_run(pair->loop, EVRUN_ONCE);
		assert_int_equal(err, 0);
	}
	UNTIL(pair->server.frames == 50);
	assert_int_equal(pair->server.last_size, 5000);
	free(body);
}

static void keepalives_keep_it_alive(void **state)
{
	struct pair *pair = *state;
	ev_tstamp end;

	open_pair(pair);
	end = ev_time() + 0.5;
	UNTIL(ev_time() > end);
	UNTIL(channel_round_trip(pair->client.channel) && channel_round_trip(pair->server.channel));
	assert_int_equal(pair->client.frames + pair->server.frames, 0);
	assert_int_equal(say(&pair->client, 1, NULL, 0), 0);
	UNTIL(pair->server.frames == 1);
}

/* Also while others are sent all the time, and by a peer that takes its time to answer. */
static void the_round_trip_is_known(void **state)
{
	struct pair *pair = *state;
	char why[TRANSPORT_WHY_MAX];
	uint64_t said = 0;

	pair->settings.keepalive = 1.;
	pair->client.channel = channel_connect(OPS, pair->client.transport, pair->loop, "127.0.0.1",
	                                       OPS->listener_port(pair->listener), &pair->settings,
	                                       &events, &pair->client, why);
	assert_non_null(pair->client.channel);
	pair->settings.keepalive = 1.7; /* the server's */
	UNTIL(pair->client.peer && pair->server.peer);
	UNTIL(say(&pair->client, ++said, NULL, 0) || say(&pair->server, said, NULL, 0) ||
	      channel_round_trip(pair->client.channel));
	assert_in_range(channel_round_trip(pair->client.channel), 1, 350000000);
}

static void a_silent_peer_is_gone(void **state)
{
	struct pair *pair = *state;

	/* Neither says anything. */
	pair->settings = (struct channel_settings){ .keepalive = 100., .silence = 0.3 };
	open_pair(pair);
	UNTIL(pair->client.closed && pair->server.closed);
	assert_true(pair->client.error == -ETIMEDOUT || pair->server.error == -ETIMEDOUT);
	assert_true(strcmp(pair->client.why, "silent for 0.3 seconds") == 0 ||
	            strcmp(pair->server.why, "silent for 0.3 seconds") == 0);
}

/* The silence was ours: what has come meanwhile counts. */
static void who_was_busy_is_not_deceived(void **state)
{
	struct pair *pair = *state;

	pair->settings = (struct channel_settings){ .keepalive = 100., .silence = 0.5 };
	open_pair(pair);
	assert_int_equal(say(&pair->client, 0, NULL, 0), 0);
	assert_int_equal(say(&pair->server, 0, NULL, 0), 0);
	ev_run(pair->loop, EVRUN_NOWAIT); /* they are written, and not read yet */
	assert_int_equal(pair->client.frames + pair->server.frames, 0);
	usleep(700000);
	UNTIL(pair->client.frames + pair->server.frames == 2 ||
	      pair->client.closed + pair->server.closed);
	assert_int_equal(pair->client.closed + pair->server.closed, 0);
}

static void a_frame_out_of_sequence_ends_it(void **state)
{
	struct pair *pair = *state;

	open_pair(pair);
	assert_int_equal(say(&pair->client, 1, NULL, 0), 0);
	pair->client.sequence = 0;
	assert_int_equal(say(&pair->client, 2, NULL, 0), 0);
	UNTIL(pair->server.closed && pair->client.closed);
	assert_int_equal(pair->server.frames, 1);
	assert_int_equal(pair->server.error, -EPROTO);
	assert_string_equal(pair->server.why, "a frame out of sequence");
}

static void a_frame_that_lies_about_its_body_ends_it(void **state)
{
	struct pair *pair = *state;
	struct wire_header header;

	open_pair(pair);
	frame_seal(&header, WIRE_PAGES, 0, 1, 1, "abc", 3);
	assert_int_equal(pair->client.peer->ops->send(pair->client.peer, &header, "abd"), 0);
	UNTIL(pair->server.closed);
	assert_int_equal(pair->server.error, -EBADMSG);
	assert_string_equal(pair->server.why, "a frame with a wrong sum");
}

/* A client without a channel of its own. */
struct bare {
	struct connection *connection;
	uint8_t room[64];
};

static void bare_opened(void *user)
{
	struct bare *bare = user;
	struct wire_header header;
	struct send_piece piece = { &header, sizeof(header) - 1, NULL, NULL };

	frame_seal(&header, WIRE_PAGES, 0, 1, 1, NULL, 0);
	assert_int_equal(OPS->send(bare->connection, &piece, 1), 0);
	OPS->close(bare->connection, true);
}

static uint8_t *bare_room(void *user, size_t *size)
{
	*size = sizeof(((struct bare *)user)->room);
	return ((struct bare *)user)->room;
}

static void bare_filled(void *user, size_t size)
{
	(void)user;
	(void)size;
}

static const struct connection_events bare_events = { .opened = bare_opened,
	                                              .room = bare_room,
	                                              .filled = bare_filled };

static void an_end_within_a_frame_is_no_orderly_one(void **state)
{
	struct pair *pair = *state;
	struct bare bare;
	char why[TRANSPORT_WHY_MAX];

	bare.connection = OPS->connect(pair->client.transport, "127.0.0.1",
	                               OPS->listener_port(pair->listener), &bare_events, &bare,
	                               why);
	UNTIL(pair->server.closed);
	assert_int_equal(pair->server.error, -ECONNRESET);
	assert_string_equal(pair->server.why, "the peer has closed the connection within a frame");
}

static void the_last_words_arrive(void **state)
{
	struct pair *pair = *state;

	open_pair(pair);
	for (uint32_t i = 1; i <= 3; i++)
		assert_int_equal(say(&pair->server, i, NULL, 0), 0);
	assert_int_equal(say(&pair->client, 1, "bye", 3), 0);
	pair->client.peer->ops->close(pair->client.peer);
	assert_int_equal(pair->client.closed, 1);
	assert_int_equal(pair->client.error, -ECANCELED);
	UNTIL(pair->server.closed);
	assert_int_equal(pair->server.frames, 1);
	assert_int_equal(pair->server.error, 0);
	assert_int_equal(pair->client.closed, 1);
}

static void it_may_be_closed_within_a_frame_that_comes(void **state)
{
	struct pair *pair = *state;

	open_pair(pair);
	pair->server.close_at = 2;
	for (uint32_t i = 1; i <= 5; i++)
		assert_int_equal(say(&pair->client, i, NULL, 0), 0);
	UNTIL(pair->client.closed && pair->server.closed);
	assert_int_equal(pair->server.frames, 2);
	assert_int_equal(pair->server.error, -ECANCELED);
	assert_int_equal(pair->client.error, 0);
}

#define CHANNEL_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CHANNEL_TEST(frames_come_in_order),
		CHANNEL_TEST(keepalives_keep_it_alive),
		CHANNEL_TEST(the_round_trip_is_known),
		CHANNEL_TEST(a_silent_peer_is_gone),
		CHANNEL_TEST(who_was_busy_is_not_deceived),
		CHANNEL_TEST(a_frame_out_of_sequence_ends_it),
		CHANNEL_TEST(a_frame_that_lies_about_its_body_ends_it),
		CHANNEL_TEST(an_end_within_a_frame_is_no_orderly_one),
		CHANNEL_TEST(the_last_words_arrive),
		CHANNEL_TEST(it_may_be_closed_within_a_frame_that_comes),
	};

	return cmocka_run_group_tests(tests, certificates_of_two_hosts, certificates_remove);
}
