/* Frames over a connection: whole ones go in, checked ones come out; a peer that is silent for too long is gone. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "replication/transport/channel.h"
#include "replication/wire/body.h"

struct channel {
	struct peer peer; /* first: how its holder calls us */
	const struct transport_ops *ops;
	struct connection *connection;
	struct ev_loop *loop;
	struct channel_settings settings;
	const struct channel_events *events;
	void *user;
	struct frame_reader *reader;
	ev_timer keepalive, silence;
	bool is_open, is_closed;
	unsigned int calls; /* of events under way: freed when the last has returned */
	uint64_t echo, echo_at, round_trip; /* echo: of the last keepalive; it came at echo_at */
};

static uint64_t clock_now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void release(struct channel *channel)
{
	if (channel->calls || !channel->is_closed)
		return;
	frame_reader_free(channel->reader);
	free(channel);
}

/* The connection is gone, or about to be. */
static void end(struct channel *channel, int error, const char *why)
{
	if (channel->is_closed)
		return;
	channel->is_closed = true;
	ev_timer_stop(channel->loop, &channel->keepalive);
	ev_timer_stop(channel->loop, &channel->silence);
	channel->events->closed(channel->user, error, why);
}

static void end_connection(struct channel *channel, bool is_flushed, int error, const char *why)
{
	struct connection *connection = channel->connection;

	if (channel->is_closed)
		return;
	channel->calls++;
	end(channel, error, why);
	channel->ops->close(connection, is_flushed);
	channel->calls--;
	release(channel);
}

static int send_frame(struct channel *channel, const struct wire_header *header, const void *body)
{
	struct send_piece pieces[2] = {
		{ .bytes = header, .size = sizeof(*header) },
		{ .bytes = body, .size = header->size },
	};

	return channel->ops->send(channel->connection, pieces, header->size ? 2 : 1);
}

static int peer_send(struct peer *peer, const struct wire_header *header, const void *body)
{
	struct channel *channel = (struct channel *)peer;

	return channel->is_closed ? -EPIPE : send_frame(channel, header, body);
}

static void peer_close(struct peer *peer)
{
	end_connection((struct channel *)peer, true, -ECANCELED, "closed here");
}

static const struct peer_ops peer_ops = { .send = peer_send, .close = peer_close };

/* As if it had just come: how long it has been here is none of the way there and back. */
static void on_keepalive(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct channel *channel = timer->data;
	uint64_t now = clock_now();
	struct wire_keepalive body = { .sent = now };
	struct wire_header header;

	(void)loop;
	(void)events;
	if (channel->echo)
		body.echo = channel->echo + (now - channel->echo_at);
	frame_seal(&header, WIRE_KEEPALIVE, 0, 0, 0, &body, sizeof(body));
	/* A queue that is full says as much. */
	send_frame(channel, &header, &body);
}

static void on_silence(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct channel *channel = timer->data;
	char why[64];

	(void)loop;
	(void)events;
	snprintf(why, sizeof(why), "silent for %.1f seconds", channel->settings.silence);
	end_connection(channel, false, -ETIMEDOUT, why);
}

static void take_keepalive(struct channel *channel, const struct frame *frame)
{
	struct wire_keepalive keepalive;
	const char *why;

	if (body_parse_keepalive(frame, &keepalive, &why) != 0) {
		end_connection(channel, false, -EPROTO, why);
		return;
	}
	channel->echo = keepalive.sent;
	channel->echo_at = clock_now();
	if (keepalive.echo && keepalive.echo <= clock_now())
		channel->round_trip = clock_now() - keepalive.echo;
}

static void on_opened(void *user)
{
	struct channel *channel = user;

	channel->calls++;
	channel->is_open = true;
	channel->keepalive.repeat = channel->settings.keepalive;
	channel->silence.repeat = channel->settings.silence;
	ev_timer_again(channel->loop, &channel->keepalive);
	ev_timer_again(channel->loop, &channel->silence);
	channel->events->opened(channel->user, &channel->peer,
	                        channel->ops->peer(channel->connection));
	channel->calls--;
	release(channel);
}

static uint8_t *on_room(void *user, size_t *size)
{
	struct channel *channel = user;

	return frame_reader_room(channel->reader, size);
}

static void on_filled(void *user, size_t size)
{
	struct channel *channel = user;
	struct frame frame;
	const char *why;
	int result = 0;

	channel->calls++;
	ev_timer_again(channel->loop, &channel->silence);
	frame_reader_filled(channel->reader, size);
	while (!channel->is_closed &&
	       (result = frame_reader_next(channel->reader, &frame, &why)) > 0) {
		if (frame.type == WIRE_KEEPALIVE)
			take_keepalive(channel, &frame);
		else
			channel->events->frame(channel->user, &frame);
	}
	if (result < 0)
		end_connection(channel, false, result, why);
	channel->calls--;
	release(channel);
}

static void on_writable(void *user)
{
	struct channel *channel = user;

	channel->calls++;
	channel->events->writable(channel->user);
	channel->calls--;
	release(channel);
}

static void on_closed(void *user, int error, const char *why)
{
	struct channel *channel = user;

	if (error == 0 && !frame_reader_is_between(channel->reader)) {
		error = -ECONNRESET;
		why = "the peer has closed the connection within a frame";
	}
	channel->calls++;
	end(channel, error, why);
	channel->calls--;
	release(channel);
}

static const struct connection_events connection_events = {
	.opened = on_opened,
	.room = on_room,
	.filled = on_filled,
	.writable = on_writable,
	.closed = on_closed,
};

static struct channel *make(const struct transport_ops *ops, struct ev_loop *loop,
                            const struct channel_settings *settings,
                            const struct channel_events *events, void *user)
{
	struct channel *channel = calloc(1, sizeof(*channel));

	if (!channel)
		return NULL;
	*channel = (struct channel){
		.peer = { .ops = &peer_ops },
		.ops = ops,
		.loop = loop,
		.settings = *settings,
		.events = events,
		.user = user,
		.reader = frame_reader_new(WIRE_BODY_MAX),
	};
	if (!channel->reader) {
		free(channel);
		return NULL;
	}
	ev_init(&channel->keepalive, on_keepalive);
	ev_init(&channel->silence, on_silence);
	/* After a handler that took long, what has come meanwhile is read before anybody says that nothing did. */
	ev_set_priority(&channel->silence, EV_MINPRI);
	channel->keepalive.data = channel->silence.data = channel;
	return channel;
}

struct channel *channel_connect(const struct transport_ops *ops, struct transport *transport,
                                struct ev_loop *loop, const char *address, uint16_t port,
                                const struct channel_settings *settings,
                                const struct channel_events *events, void *user, char *why)
{
	struct channel *channel = make(ops, loop, settings, events, user);

	if (!channel) {
		snprintf(why, TRANSPORT_WHY_MAX, "no memory");
		return NULL;
	}
	channel->connection = ops->connect(transport, address, port, &connection_events, channel,
	                                   why);
	if (!channel->connection) {
		channel->is_closed = true;
		release(channel);
		return NULL;
	}
	return channel;
}

const struct connection_events *channel_accept(const struct transport_ops *ops,
                                               struct connection *connection, struct ev_loop *loop,
                                               const struct channel_settings *settings,
                                               const struct channel_events *events, void *user,
                                               struct channel **channel)
{
	*channel = make(ops, loop, settings, events, user);
	if (!*channel)
		return NULL;
	(*channel)->connection = connection;
	return &connection_events;
}

void channel_close(struct channel *channel)
{
	end_connection(channel, false, -ECANCELED, "closed here");
}

void channel_pause(struct channel *channel, bool is_paused)
{
	if (!channel->is_closed)
		channel->ops->pause(channel->connection, is_paused);
	/* Who does not listen cannot say that the other is silent. */
	if (is_paused)
		ev_timer_stop(channel->loop, &channel->silence);
	else if (!channel->is_closed && channel->is_open)
		ev_timer_again(channel->loop, &channel->silence);
}

size_t channel_queued(const struct channel *channel)
{
	return channel->ops->queued(channel->connection);
}

uint64_t channel_round_trip(const struct channel *channel)
{
	return channel->round_trip;
}
