/* The holder of a guest's output as its backend worker sees it: who comes to the door, and who may speak. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/backend/holder.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"

static struct host *host_of(struct output *output)
{
	return (struct host *)((char *)output - offsetof(struct host, output));
}

static struct xenbus *xenbus_of(struct output *output)
{
	return (struct xenbus *)((char *)host_of(output) - offsetof(struct xenbus, host));
}

/* One guest a process, one holder a guest. */
static struct holder *here;

static void hang_up(struct visitor *visitor)
{
	struct holder *holder = visitor->holder;

	ev_io_stop(holder->xenbus->host.loop, &visitor->readable);
	close(visitor->socket);
	visitor->socket = -1;
	if (holder->current != visitor)
		return;
	holder->current = NULL;
	output_holder_gone(&holder->xenbus->host.output);
}

/* --- what output.c asks for --- */

static void answer(struct output *output, const struct door_message *message, int fd)
{
	(void)output;
	/* One that does not read its answers is found dead when its socket is looked at next. */
	if (here->current && door_send(here->current->socket, message, fd))
		shutdown(here->current->socket, SHUT_RDWR);
}

static bool is_noted(struct output *output)
{
	for (struct device *device = xenbus_of(output)->devices; device; device = device->next) {
		if (device->kind->is_noted && !device->kind->is_noted(device))
			return false;
	}
	return true;
}

static uint64_t under_way(struct output *output)
{
	uint64_t oldest = UINT64_MAX;

	for (struct device *device = xenbus_of(output)->devices; device; device = device->next) {
		uint64_t note = device->kind->oldest_note ? device->kind->oldest_note(device)
		                                          : UINT64_MAX;

		if (note < oldest)
			oldest = note;
	}
	return oldest;
}

static struct held_sum held(struct output *output)
{
	struct held_sum sum = { 0 };

	for (struct device *device = xenbus_of(output)->devices; device; device = device->next) {
		if (device->kind->held)
			device->kind->held(device, &sum);
	}
	return sum;
}

static int hold(struct output *output)
{
	int err = 0;

	for (struct device *device = xenbus_of(output)->devices; device && !err;
	     device = device->next) {
		if (device->kind->hold)
			err = device->kind->hold(device);
	}
	return err;
}

static void go(struct output *output)
{
	struct xenbus *xenbus = xenbus_of(output);

	for (struct device *device = xenbus->devices; device; device = device->next) {
		if (device->kind->let_go)
			device->kind->let_go(device);
		if (device->is_connected && !xenbus->is_stopping)
			device->kind->serve(device);
	}
}

static int mark(struct output *output, enum door_kind kind, uint64_t number)
{
	int err = 0;

	for (struct device *device = xenbus_of(output)->devices; device && !err;
	     device = device->next) {
		if (device->kind->mark)
			err = device->kind->mark(device, kind, number);
	}
	return err;
}

static const struct output_ops ops = {
	.answer = answer,
	.is_noted = is_noted,
	.under_way = under_way,
	.held = held,
	.hold = hold,
	.mark = mark,
	.go = go,
};

/* --- visitors --- */

static void refuse(struct visitor *visitor, const struct door_message *asked, int err)
{
	struct door_message message = { .version = DOOR_VERSION,
		                        .kind = DOOR_REFUSED,
		                        .error = err,
		                        .flags = asked->kind,
		                        .epoch = asked->epoch };

	door_send(visitor->socket, &message, -1);
}

static void handle(struct visitor *visitor, const struct door_message *message)
{
	struct holder *holder = visitor->holder;

	if (!holder->current && message->kind == DOOR_TAKE)
		holder->current = visitor;
	if (holder->current == visitor)
		output_message(&holder->xenbus->host.output, message);
	else
		refuse(visitor, message, message->kind == DOOR_TAKE ? -EBUSY : -EPERM);
}

/* One message, if there is one. 0, or a negative errno: -EAGAIN, or the visitor is gone. */
static int receive(struct visitor *visitor)
{
	struct door_message message;
	int fd;
	int err = door_receive(visitor->socket, &message, &fd);

	if (fd >= 0)
		close(fd); /* nobody gives us anything */
	if (!err)
		handle(visitor, &message);
	else if (err != -EAGAIN)
		hang_up(visitor);
	return err;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The guest's rings are to stand still until CUT, so the whole process does: the one handler that waits. What the kernel
 * has of disk work goes on. */
static void stand_still(struct visitor *visitor)
{
	struct output *output = &visitor->holder->xenbus->host.output;
	int64_t end = now_ms() + DOOR_STOP_MS;

	while (output->is_stopped) {
		struct pollfd wait = { .fd = visitor->socket, .events = POLLIN };
		int64_t left = end - now_ms();
		int ready = left > 0 ? poll(&wait, 1, (int)left) : 0;

		if (ready > 0)
			receive(visitor);
		else if (ready == 0)
			output_stop_expired(output);
	}
}

static void on_readable(struct ev_loop *loop, ev_io *io, int events)
{
	struct visitor *visitor = io->data;

	(void)loop;
	(void)events;
	receive(visitor);
	if (visitor->socket >= 0)
		stand_still(visitor);
}

static void on_visitor(struct ev_loop *loop, ev_io *io, int events)
{
	struct holder *holder = io->data;
	int socket = accept4(io->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)events;
	if (socket < 0)
		return;
	for (unsigned int i = 0; i < HOLDER_VISITORS_MAX; i++) {
		struct visitor *visitor = &holder->visitors[i];

		if (visitor->socket >= 0)
			continue;
		visitor->socket = socket;
		ev_io_init(&visitor->readable, on_readable, socket, EV_READ);
		visitor->readable.data = visitor;
		ev_io_start(loop, &visitor->readable);
		return;
	}
	close(socket);
}

int holder_open(struct holder *holder, struct xenbus *xenbus)
{
	struct host *host = &xenbus->host;
	int listener;
	int err = output_adopt(&host->output, host->domid, &ops);

	if (err) {
		log_error("what is held of guest %u cannot be taken up: %s", host->domid,
		          strerror(-err));
		return err;
	}
	here = holder;
	holder->xenbus = xenbus;
	for (unsigned int i = 0; i < HOLDER_VISITORS_MAX; i++) {
		holder->visitors[i].holder = holder;
		holder->visitors[i].socket = -1;
	}
	listener = door_listen(host->domid);
	if (listener < 0) {
		log_error("guest %u: cannot open its door: %s", host->domid, strerror(-listener));
		return listener;
	}
	ev_io_init(&holder->listening, on_visitor, listener, EV_READ);
	holder->listening.data = holder;
	ev_io_start(host->loop, &holder->listening);
	return 0;
}

void holder_forget(struct holder *holder)
{
	char path[DOOR_PATH_BYTES];

	door_path(path, holder->xenbus->host.domid);
	unlink(path);
	output_remove(&holder->xenbus->host.output);
}
