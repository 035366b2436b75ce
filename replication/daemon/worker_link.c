/* remusd's end of a worker's control socket: questions, answers in their order, and events. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/daemon/worker_link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "toolstack/control/codes.h"
#include "toolstack/control/message.h"

#define RETRY 0.2 /* seconds between two attempts to connect */

struct question {
	struct question *next;
	void (*done)(const json_t *reply, void *data);
	void *data;
	ev_tstamp until;
};

struct worker_link {
	struct ev_loop *loop;
	const char *path;
	const struct worker_link_events *events;
	void *data;
	int fd; /* -1: not connected */
	ev_io readable;
	ev_timer retry, patience, failing;
	struct question *first, **last; /* sent, in order */
	struct question *failed;        /* to be told so */
	bool *is_closed;                /* set if the link is closed within a call of done() */
	size_t used;
	char line[CONTROL_LINE_MAX];
};

static void fail_soon(struct worker_link *link, struct question *question)
{
	struct question **at = &link->failed;

	while (*at)
		at = &(*at)->next;
	*at = question;
	ev_timer_start(link->loop, &link->failing);
}

static void disconnect(struct worker_link *link)
{
	if (link->fd < 0)
		return;
	ev_io_stop(link->loop, &link->readable);
	close(link->fd);
	link->fd = -1;
	link->used = 0;
	if (link->first)
		fail_soon(link, link->first);
	link->first = NULL;
	link->last = &link->first;
	ev_timer_again(link->loop, &link->retry);
}

/* False: the link was closed meanwhile. */
static bool answer(struct worker_link *link, struct question *question, const json_t *reply)
{
	bool is_closed = false;

	link->is_closed = &is_closed;
	if (question->done)
		question->done(reply, question->data);
	free(question);
	if (!is_closed)
		link->is_closed = NULL;
	return !is_closed;
}

static void on_failing(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct worker_link *link = timer->data;
	json_t *reply = control_refusal(CONTROL_NO_DAEMON, "journalctl -u remusd",
	                                "the VM's worker does not answer");
	bool is_open = true;

	(void)loop;
	(void)events;
	while (is_open && link->failed) {
		struct question *question = link->failed;

		link->failed = question->next;
		is_open = answer(link, question, reply);
	}
	json_decref(reply);
}

/* False: the link was closed, or lost. */
static bool take_line(struct worker_link *link, json_t *said)
{
	struct question *question = link->first;

	if (json_object_get(said, "event")) {
		if (link->events && link->events->event)
			link->events->event(said, link->data);
		return true;
	}
	if (!said || !question) {
		disconnect(link);
		return false;
	}
	link->first = question->next;
	if (!link->first)
		link->last = &link->first;
	return answer(link, question, said);
}

static bool take_lines(struct worker_link *link)
{
	size_t done = 0;
	char *end;

	while ((end = memchr(link->line + done, '\n', link->used - done))) {
		size_t length = (size_t)(end - (link->line + done));
		json_t *said = control_parse(link->line + done, length);
		bool is_open = take_line(link, said);

		json_decref(said);
		if (!is_open)
			return false;
		done += length + 1;
	}
	link->used -= done;
	memmove(link->line, link->line + done, link->used);
	return true;
}

static void on_readable(struct ev_loop *loop, ev_io *io, int events)
{
	struct worker_link *link = io->data;
	ssize_t got = recv(link->fd, link->line + link->used, sizeof(link->line) - link->used,
	                   MSG_DONTWAIT);

	(void)loop;
	(void)events;
	if (got < 0 && errno == EAGAIN)
		return;
	if (got <= 0) {
		disconnect(link);
		return;
	}
	link->used += (size_t)got;
	if (take_lines(link) && link->used == sizeof(link->line))
		disconnect(link);
}

static int dial(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return -1;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		close(fd);
		return -1;
	}
	return fd;
}

static void on_retry(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct worker_link *link = timer->data;

	(void)events;
	link->fd = dial(link->path);
	if (link->fd < 0)
		return;
	ev_timer_stop(loop, timer);
	ev_io_set(&link->readable, link->fd, EV_READ);
	ev_io_start(loop, &link->readable);
	if (link->events && link->events->opened)
		link->events->opened(link->data);
}

static void on_patience(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct worker_link *link = timer->data;

	(void)events;
	for (struct question *question = link->first; question; question = question->next) {
		if (ev_now(loop) > question->until) {
			disconnect(link);
			return;
		}
	}
}

struct worker_link *worker_link_open(struct ev_loop *loop, const char *path,
                                     const struct worker_link_events *events, void *data)
{
	struct worker_link *link = calloc(1, sizeof(*link));

	if (!link)
		return NULL;
	link->loop = loop;
	link->path = path;
	link->events = events;
	link->data = data;
	link->fd = -1;
	link->last = &link->first;
	ev_init(&link->readable, on_readable);
	ev_timer_init(&link->retry, on_retry, 0., RETRY);
	ev_timer_init(&link->patience, on_patience, 1., 1.);
	ev_timer_init(&link->failing, on_failing, 0., 0.);
	link->readable.data = link->retry.data = link->patience.data = link->failing.data = link;
	ev_timer_start(loop, &link->retry);
	ev_timer_start(loop, &link->patience);
	return link;
}

static void forget(struct question *question)
{
	while (question) {
		struct question *next = question->next;

		free(question);
		question = next;
	}
}

void worker_link_close(struct worker_link *link)
{
	if (!link)
		return;
	disconnect(link);
	ev_timer_stop(link->loop, &link->retry);
	ev_timer_stop(link->loop, &link->patience);
	ev_timer_stop(link->loop, &link->failing);
	forget(link->failed);
	if (link->is_closed)
		*link->is_closed = true;
	free(link);
}

bool worker_link_is_up(const struct worker_link *link)
{
	return link->fd >= 0;
}

/* A worker reads what it is sent, or it is not well: what its socket does not take at once is not waited for. */
static bool send_line(const struct worker_link *link, const json_t *question)
{
	char *line = link->fd >= 0 ? control_line(question, CONTROL_LINE_MAX) : NULL;
	size_t length = line ? strlen(line) : 0;
	bool is_sent = line &&
	               send(link->fd, line, length, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)length;

	free(line);
	return is_sent;
}

void worker_link_ask(struct worker_link *link, json_t *asked, double seconds,
                     void (*done)(const json_t *reply, void *data), void *data)
{
	struct question *question = calloc(1, sizeof(*question));
	bool was_up = link->fd >= 0;

	if (!question) {
		json_decref(asked);
		return;
	}
	question->done = done;
	question->data = data;
	question->until = ev_now(link->loop) + seconds;
	if (send_line(link, asked)) {
		*link->last = question;
		link->last = &question->next;
	} else {
		fail_soon(link, question);
		if (was_up)
			disconnect(link);
	}
	json_decref(asked);
}
