/* Requests to a backend worker, one after the other. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/xen/worker.h"

#include <errno.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

int worker_open(struct worker *worker, unsigned int domid)
{
	*worker = (struct worker){ .socket = door_connect(domid), .log = -1 };
	return worker->socket < 0 ? worker->socket : 0;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int wait_readable(int socket, int64_t deadline)
{
	struct pollfd poller = { .fd = socket, .events = POLLIN };
	int64_t left = deadline - now_ms();
	int ready = poll(&poller, 1, left > 0 ? (int)left : 0);

	if (ready < 0)
		return errno == EINTR ? 0 : -errno;
	return ready ? 0 : -ETIMEDOUT;
}

/* A message that is an answer; WANTED comes whenever it likes. */
static int receive_answer(struct worker *worker, struct door_message *message)
{
	int fd = -1;
	int err = door_receive(worker->socket, message, &fd);

	if (err)
		return err;
	if (fd >= 0 && worker->log < 0)
		worker->log = fd;
	else if (fd >= 0)
		close(fd);
	if (message->kind != DOOR_WANTED)
		return 0;
	worker->is_wanted = true;
	return -EAGAIN;
}

static int await(struct worker *worker, struct door_message *message)
{
	int64_t deadline = now_ms() + WORKER_ANSWER_MS;
	int err;

	while ((err = receive_answer(worker, message)) == -EAGAIN) {
		err = wait_readable(worker->socket, deadline);
		if (err)
			return err;
	}
	return err;
}

static uint32_t answer_to(enum door_kind kind)
{
	switch (kind) {
	case DOOR_TAKE:
		return DOOR_TAKEN;
	case DOOR_HOLD:
		return DOOR_HELD;
	case DOOR_STOP:
		return DOOR_STOPPED;
	case DOOR_CUT:
		return DOOR_DONE;
	case DOOR_FREE:
		return DOOR_FREED;
	default:
		return 0;
	}
}

int worker_tell(struct worker *worker, enum door_kind kind, uint64_t epoch)
{
	const struct door_message message = { .version = DOOR_VERSION,
		                              .kind = (uint32_t)kind,
		                              .epoch = epoch };

	return door_send(worker->socket, &message, -1);
}

int worker_ask(struct worker *worker, enum door_kind kind, uint64_t epoch)
{
	int err = worker_tell(worker, kind, epoch);

	if (kind == DOOR_STOP)
		worker->is_wanted = false;
	if (!err)
		err = await(worker, &worker->last);
	if (err)
		return err;
	if (worker->last.kind == DOOR_REFUSED)
		return worker->last.error < 0 ? worker->last.error : -EPROTO;
	return worker->last.kind == answer_to(kind) ? 0 : -EPROTO;
}

void worker_close(struct worker *worker)
{
	if (worker->socket >= 0)
		close(worker->socket);
	if (worker->log >= 0)
		close(worker->log);
	worker->socket = worker->log = -1;
}
