/* The control socket: clients, their lines, and what waits for them. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "toolstack/control/server.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/log.h"
#include "toolstack/control/codes.h"
#include "toolstack/control/message.h"

struct client {
	struct client *next;
	struct control_server *server;
	ev_io readable, writable;
	size_t used;        /* bytes in line */
	size_t unread;      /* bytes in out */
	char *out;          /* what the socket did not take yet */
	bool is_last_reply; /* gone once that is written */
	bool is_watching;   /* is told events */
	bool is_waiting;    /* for the reply to a line; those behind it wait, too */
	struct control_later *awaited;
	json_t *reply; /* to it, about to be sent */
	ev_timer answered;
	char line[CONTROL_LINE_MAX];
};

struct control_later {
	struct client *client; /* NULL: has gone */
};

struct control_server {
	struct ev_loop *loop;
	const struct control_verb *verbs;
	void *data;
	ev_io acceptable;
	struct client *clients;
	unsigned int count;
	struct client *served; /* whose verb is being served */
	struct sockaddr_un address;
};

static void drop(struct client *client)
{
	struct control_server *server = client->server;
	struct client **link = &server->clients;

	while (*link != client)
		link = &(*link)->next;
	*link = client->next;
	server->count--;
	ev_io_stop(server->loop, &client->readable);
	ev_io_stop(server->loop, &client->writable);
	close(client->readable.fd);
	ev_timer_stop(server->loop, &client->answered);
	json_decref(client->reply);
	if (client->awaited)
		client->awaited->client = NULL;
	free(client->out);
	free(client);
	ev_io_start(server->loop, &server->acceptable); /* there is room again */
}

/* False: the client is gone. */
static bool flush(struct client *client)
{
	while (client->unread) {
		ssize_t sent = send(client->readable.fd, client->out, client->unread, MSG_NOSIGNAL);

		if (sent < 0 && errno == EAGAIN)
			break;
		if (sent < 0) {
			drop(client);
			return false;
		}
		client->unread -= (size_t)sent;
		memmove(client->out, client->out + sent, client->unread);
	}
	if (client->unread) {
		ev_io_start(client->server->loop, &client->writable);
		return true;
	}
	ev_io_stop(client->server->loop, &client->writable);
	if (!client->is_last_reply)
		return true;
	drop(client);
	return false;
}

static bool queue(struct client *client, const char *line)
{
	size_t length = strlen(line);
	char *out;

	if (client->unread + length > CONTROL_UNREAD_MAX)
		return false;
	out = realloc(client->out, client->unread + length);
	if (!out)
		return false;
	memcpy(out + client->unread, line, length);
	client->out = out;
	client->unread += length;
	return true;
}

static bool queue_message(struct client *client, const json_t *message)
{
	char *line = message ? control_line(message, CONTROL_REPLY_MAX) : NULL;
	bool is_queued = line && queue(client, line);

	free(line);
	return is_queued;
}

/* Takes over the reply. False: the client is gone. */
static bool reply_with(struct client *client, json_t *reply)
{
	bool is_queued = queue_message(client, reply);

	json_decref(reply);
	if (is_queued)
		return true;
	log_warning("control: a client that does not read, or asks for too much, is dropped");
	drop(client);
	return false;
}

/* One line. False: the client is gone. */
static bool serve_line(struct client *client, const char *line, size_t length)
{
	struct control_server *server = client->server;
	struct control_later *later = calloc(1, sizeof(*later)), *offered = later;
	json_t *reply;

	if (!later)
		return reply_with(client, NULL);
	later->client = client;
	client->awaited = later;
	server->served = client;
	reply = control_answer(server->verbs, server->data, line, length, &offered);
	server->served = NULL;
	client->is_waiting = !offered;
	if (!offered)
		return true;
	client->awaited = NULL;
	free(later);
	return reply_with(client, reply);
}

static bool refuse_length(struct client *client)
{
	ev_io_stop(client->server->loop, &client->readable);
	client->is_last_reply = true;
	return reply_with(client,
	                  control_refusal(CONTROL_BAD_REQUEST, "", "a request is at most %u bytes",
	                                  CONTROL_LINE_MAX));
}

/* Answers the whole lines that have come, up to one that takes its time. False: the client is gone. */
static bool serve_lines(struct client *client)
{
	size_t done = 0;
	char *end;

	while (!client->is_waiting &&
	       (end = memchr(client->line + done, '\n', client->used - done))) {
		size_t length = (size_t)(end - (client->line + done));

		if (!serve_line(client, client->line + done, length))
			return false;
		done += length + 1;
	}
	client->used -= done;
	memmove(client->line, client->line + done, client->used);
	if (client->used == sizeof(client->line) && !client->is_waiting)
		return refuse_length(client);
	if (client->used == sizeof(client->line)) /* read on when that is answered */
		ev_io_stop(client->server->loop, &client->readable);
	else
		ev_io_start(client->server->loop, &client->readable);
	return true;
}

/* Not within the verb: it may be answered, and the client be dropped, from anywhere. */
static void on_answered(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct client *client = timer->data;
	json_t *reply = client->reply;

	(void)loop;
	(void)events;
	client->is_waiting = false;
	client->reply = NULL;
	if (reply_with(client, reply) && serve_lines(client))
		flush(client);
}

void control_reply(struct control_later *later, json_t *reply)
{
	struct client *client = later->client;

	free(later);
	if (!client) {
		json_decref(reply);
		return;
	}
	client->awaited = NULL;
	client->reply = reply;
	ev_timer_start(client->server->loop, &client->answered);
}

void control_watch(struct control_server *server)
{
	server->served->is_watching = true;
}

void control_tell(struct control_server *server, json_t *event)
{
	struct client *client = server->clients;

	while (client) {
		struct client *next = client->next;

		/* Who is being served is not dropped under it. */
		if (client == server->served && client->is_watching)
			queue_message(client, event);
		else if (client->is_watching && reply_with(client, json_incref(event)))
			flush(client);
		client = next;
	}
	json_decref(event);
}

static void on_readable(struct ev_loop *loop, ev_io *io, int events)
{
	struct client *client = io->data;
	ssize_t got = recv(io->fd, client->line + client->used, sizeof(client->line) - client->used,
	                   0);

	(void)loop;
	(void)events;
	if (got < 0 && errno == EAGAIN)
		return;
	if (got <= 0) {
		drop(client);
		return;
	}
	client->used += (size_t)got;
	if (serve_lines(client))
		flush(client);
}

static void on_writable(struct ev_loop *loop, ev_io *io, int events)
{
	(void)loop;
	(void)events;
	flush(io->data);
}

static void take_client(struct control_server *server, int fd)
{
	struct client *client = calloc(1, sizeof(*client));

	if (!client) {
		close(fd);
		return;
	}
	client->server = server;
	client->next = server->clients;
	server->clients = client;
	ev_io_init(&client->readable, on_readable, fd, EV_READ);
	ev_io_init(&client->writable, on_writable, fd, EV_WRITE);
	ev_timer_init(&client->answered, on_answered, 0., 0.);
	client->readable.data = client->writable.data = client->answered.data = client;
	ev_io_start(server->loop, &client->readable);
	if (++server->count == CONTROL_CLIENTS_MAX)
		ev_io_stop(server->loop, &server->acceptable);
}

static void on_acceptable(struct ev_loop *loop, ev_io *io, int events)
{
	int fd = accept4(io->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)loop;
	(void)events;
	if (fd >= 0)
		take_client(io->data, fd);
	else if (errno != EAGAIN && errno != ECONNABORTED)
		log_error("control: cannot take a client: %s", strerror(errno));
}

static int listen_at(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	mode_t mask;
	int err;

	if (fd < 0)
		return -1;
	unlink(address->sun_path);
	mask = umask(0177);
	err = bind(fd, (const struct sockaddr *)address, sizeof(*address));
	umask(mask);
	if (!err && !listen(fd, CONTROL_CLIENTS_MAX))
		return fd;
	err = errno;
	close(fd);
	errno = err;
	return -1;
}

struct control_server *control_serve(struct ev_loop *loop, const char *path,
                                     const struct control_verb *verbs, void *data)
{
	struct control_server *server;
	int fd;

	if (strlen(path) >= sizeof(server->address.sun_path)) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	server = calloc(1, sizeof(*server));
	if (!server)
		return NULL;
	server->address.sun_family = AF_UNIX;
	strcpy(server->address.sun_path, path);
	fd = listen_at(&server->address);
	if (fd < 0) {
		free(server);
		return NULL;
	}
	server->loop = loop;
	server->verbs = verbs;
	server->data = data;
	ev_io_init(&server->acceptable, on_acceptable, fd, EV_READ);
	server->acceptable.data = server;
	ev_io_start(loop, &server->acceptable);
	return server;
}

void control_server_free(struct control_server *server)
{
	while (server->clients)
		drop(server->clients);
	ev_io_stop(server->loop, &server->acceptable);
	close(server->acceptable.fd);
	unlink(server->address.sun_path);
	free(server);
}
