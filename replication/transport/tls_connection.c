/* One connection of TLS over TCP: handshake, bytes in and out, its end. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>

#include "replication/transport/tls_connection.h"

/* What one handler reads or writes at most before the others have their turn: a few hundred microseconds of work. */
#define TURN_BYTES (1u << 20)
/* What a piece is given to TLS by: several records. */
#define WRITE_BYTES (128u << 10)
/* What is queued may take so long to go when the connection is closed. */
#define FLUSH_SECONDS 1.0
/* The other side's kernel is asked after so many idle seconds, each second, and given up after so many. */
#define PROBE_IDLE  2
#define PROBE_EVERY 1
#define PROBE_COUNT 3

enum phase { CONNECTING, SHAKING, OPEN, FINISHING };

struct connection {
	struct transport *transport;
	struct connection *next, **link; /* in the transport's list */
	const struct connection_events *events;
	void *user;
	enum phase phase;
	int descriptor;
	SSL *session;
	struct send_queue queue;
	ev_io reader, writer;
	ev_timer timer;             /* until OPEN; while FINISHING */
	bool is_paused, is_starved; /* starved: send() has said -EAGAIN */
	bool is_read_blocked; /* reading waits until the socket can be written, or the other way round */
	bool is_said;         /* FINISHING: all has been sent */
	bool is_busy, is_closed; /* a handler is under way; freed after it */
	char peer[64];
};

static void set_socket(int descriptor, unsigned int silence_ms)
{
	static const int on = 1, idle = PROBE_IDLE, every = PROBE_EVERY, count = PROBE_COUNT;

	/* None of these can fail on a TCP socket, and it works without them. */
	setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, &every, sizeof(every));
	setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
	setsockopt(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, &silence_ms, sizeof(silence_ms));
}

static void free_connection(struct connection *c)
{
	queue_clear(&c->queue);
	SSL_free(c->session);
	close(c->descriptor);
	c->transport->connections--;
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	free(c);
}

static void shut(struct connection *c)
{
	struct ev_loop *loop = c->transport->loop;

	c->is_closed = true;
	ev_io_stop(loop, &c->reader);
	ev_io_stop(loop, &c->writer);
	ev_timer_stop(loop, &c->timer);
	if (c->phase >= OPEN && !c->is_said)
		SSL_shutdown(c->session); /* says good-bye if the socket takes it */
	ERR_clear_error();
}

static void end(struct connection *c, int error, const char *why)
{
	bool is_told = c->phase != FINISHING && !c->is_closed;

	if (!c->is_closed)
		shut(c);
	if (is_told)
		c->events->closed(c->user, error, why);
}

static void fail(struct connection *c, int result)
{
	char why[TRANSPORT_WHY_MAX];
	int err = tls_error_text(c->session, result, c->transport->settings.peer, why);

	end(c, err, why);
}

static void watch(struct connection *c)
{
	struct ev_loop *loop = c->transport->loop;
	bool is_writing = c->phase == CONNECTING || c->is_read_blocked || c->queue.first;

	if (c->is_closed)
		return;
	if (is_writing && c->phase != SHAKING)
		ev_io_start(loop, &c->writer);
	else if (!c->is_read_blocked)
		ev_io_stop(loop, &c->writer);
	if (c->phase != CONNECTING && !c->is_paused)
		ev_io_start(loop, &c->reader);
	else
		ev_io_stop(loop, &c->reader);
}

static void open_now(struct connection *c)
{
	c->phase = OPEN;
	ev_timer_stop(c->transport->loop, &c->timer);
	tls_peer_name(c->session, c->peer, sizeof(c->peer));
	c->events->opened(c->user);
}

static void shake(struct connection *c)
{
	int result, error;

	ERR_clear_error();
	errno = 0;
	result = SSL_do_handshake(c->session);
	if (result == 1) {
		c->is_read_blocked = false;
		open_now(c);
		return;
	}
	error = SSL_get_error(c->session, result);
	if (error == SSL_ERROR_WANT_WRITE)
		ev_io_start(c->transport->loop, &c->writer);
	c->is_read_blocked = error == SSL_ERROR_WANT_WRITE;
	if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
		fail(c, error);
}

static void finish_connect(struct connection *c)
{
	socklen_t size = sizeof(int);
	int error = 0;

	getsockopt(c->descriptor, SOL_SOCKET, SO_ERROR, &error, &size);
	if (error) {
		end(c, -error, strerror(error));
		return;
	}
	c->phase = SHAKING;
	shake(c);
}

/* What is left in TLS's own memory does not make the socket readable: come again by ourselves. */
static void come_again(struct connection *c)
{
	if (!c->is_closed && !c->is_paused && SSL_has_pending(c->session))
		ev_feed_event(c->transport->loop, &c->reader, EV_READ);
}

/* While finishing nobody wants what still comes: it goes here. */
static uint8_t *find_room(struct connection *c, size_t *size)
{
	static uint8_t nowhere[4096];

	if (c->phase == OPEN)
		return c->events->room(c->user, size);
	*size = sizeof(nowhere);
	return nowhere;
}

static void read_some(struct connection *c)
{
	size_t total = 0;

	while (!c->is_closed && !c->is_paused && total < TURN_BYTES) {
		size_t size, got = 0;
		uint8_t *room = find_room(c, &size);
		int result;

		if (c->is_closed)
			return;
		ERR_clear_error();
		errno = 0;
		result = SSL_read_ex(c->session, room, size, &got);
		if (result != 1) {
			int error = SSL_get_error(c->session, result);

			c->is_read_blocked = error == SSL_ERROR_WANT_WRITE;
			if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
				fail(c, error);
			return;
		}
		total += got;
		if (c->phase == OPEN)
			c->events->filled(c->user, got);
	}
	come_again(c);
}

static void write_some(struct connection *c)
{
	size_t total = 0, size;
	const uint8_t *bytes;

	while (!c->is_closed && total < TURN_BYTES && (size = queue_look(&c->queue, &bytes)) > 0) {
		size_t gone = 0;
		int result;

		ERR_clear_error();
		errno = 0;
		result = SSL_write_ex(c->session, bytes, size < WRITE_BYTES ? size : WRITE_BYTES,
		                      &gone);
		if (result != 1) {
			int error = SSL_get_error(c->session, result);

			if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
				fail(c, error);
			return;
		}
		total += gone;
		queue_take(&c->queue, gone);
	}
}

static void tell_writable(struct connection *c)
{
	if (c->is_closed || c->phase != OPEN || !c->is_starved ||
	    c->queue.bytes >= c->queue.bytes_max / 2)
		return;
	c->is_starved = false;
	c->events->writable(c->user);
}

/* Closing while there is something to be read would make the kernel take back what the peer has not read yet: it is the
 * peer who ends it, or the timer. */
static void say_goodbye(struct connection *c)
{
	c->is_said = true;
	SSL_shutdown(c->session);
	ERR_clear_error();
	shutdown(c->descriptor, SHUT_WR);
}

static void end_turn(struct connection *c)
{
	c->is_busy = false;
	if (!c->is_closed && c->phase == FINISHING && !c->queue.first && !c->is_said)
		say_goodbye(c);
	if (c->is_closed)
		free_connection(c);
	else
		watch(c);
}

static void on_ready(struct ev_loop *loop, ev_io *io, int events)
{
	struct connection *c = io->data;

	(void)loop;
	c->is_busy = true;
	if (c->phase == CONNECTING) {
		finish_connect(c);
	} else if (c->phase == SHAKING) {
		shake(c);
	} else {
		if ((events & EV_READ) || c->is_read_blocked)
			read_some(c);
		if (events & EV_WRITE)
			write_some(c);
		tell_writable(c);
	}
	end_turn(c);
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct connection *c = timer->data;

	(void)loop;
	(void)events;
	c->is_busy = true;
	end(c, -ETIMEDOUT,
	    c->phase == CONNECTING ? "it does not answer"
	                           : "it connects, but does not prove who it is");
	end_turn(c);
}

struct connection *tls_connection_new(struct transport *transport, int descriptor, bool is_server)
{
	struct connection *c = calloc(1, sizeof(*c));

	if (!c) {
		close(descriptor);
		return NULL;
	}
	c->transport = transport;
	c->descriptor = descriptor;
	c->session = tls_session_new(transport->context, descriptor, transport->settings.peer,
	                             is_server);
	if (!c->session) {
		close(descriptor);
		free(c);
		return NULL;
	}
	c->phase = is_server ? SHAKING : CONNECTING;
	c->queue.bytes_max = transport->settings.queue_max;
	ev_io_init(&c->reader, on_ready, descriptor, EV_READ);
	ev_io_init(&c->writer, on_ready, descriptor, EV_WRITE);
	ev_timer_init(&c->timer, on_timer, transport->settings.open_timeout, 0.);
	c->reader.data = c->writer.data = c->timer.data = c;
	set_socket(descriptor, transport->settings.silence_ms);
	transport->connections++;
	c->link = &transport->first;
	c->next = transport->first;
	if (c->next)
		c->next->link = &c->next;
	transport->first = c;
	return c;
}

void tls_connection_start(struct connection *c, const struct connection_events *events, void *user)
{
	c->events = events;
	c->user = user;
	ev_timer_start(c->transport->loop, &c->timer);
	watch(c);
}

int tls_connection_send(struct connection *c, const struct send_piece *pieces, unsigned int count)
{
	int err;

	if (c->phase != OPEN || c->is_closed)
		return -EPIPE;
	err = queue_put(&c->queue, pieces, count);
	if (err == -EAGAIN)
		c->is_starved = true;
	if (!c->is_busy)
		watch(c);
	return err;
}

size_t tls_connection_queued(const struct connection *c)
{
	return c->queue.bytes;
}

void tls_connection_pause(struct connection *c, bool is_paused)
{
	c->is_paused = is_paused;
	if (c->is_busy)
		return;
	watch(c);
	come_again(c);
}

const char *tls_connection_peer(const struct connection *c)
{
	return c->peer;
}

void tls_connection_close(struct connection *c, bool is_flushed)
{
	if (is_flushed && c->phase == OPEN && !c->is_closed) {
		c->phase = FINISHING;
		c->is_paused = false;
		ev_timer_set(&c->timer, FLUSH_SECONDS, 0.);
		ev_timer_start(c->transport->loop, &c->timer);
	} else if (!c->is_closed) {
		shut(c);
	}
	if (!c->is_busy) {
		c->is_busy = true;
		end_turn(c);
	}
}

void tls_connections_end(struct transport *transport)
{
	while (transport->first) {
		struct connection *c = transport->first;

		/* Last words, if the socket takes them now. */
		c->is_busy = true;
		if (c->phase == FINISHING && !c->is_said)
			write_some(c);
		c->is_busy = false;
		tls_connection_close(c, false);
	}
}
