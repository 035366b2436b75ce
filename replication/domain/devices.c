/* A VM's devices as the holder of their output sees them: its backend worker, asked through its door. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/domain/devices.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define FILE_BYTES ((size_t)DOOR_LOG_OFFSET + DOOR_LOG_BYTES)

/* Messages of a turn: the worker may have been taken over by its guest, and speak without end. */
#define HEARD_AT_ONCE 64u

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void devices_init(struct devices *devices)
{
	*devices = (struct devices){ .door = -1 };
}

static void drop_notes(struct devices *devices)
{
	if (devices->memory)
		munmap(devices->memory, FILE_BYTES);
	devices->memory = NULL;
}

void devices_leave(struct devices *devices)
{
	drop_notes(devices);
	if (devices->door >= 0)
		close(devices->door);
	devices->door = -1;
	devices->is_wanted = false;
}

/* The file came with TAKEN. */
static int map_notes(struct devices *devices, const struct door_message *taken, int fd)
{
	void *memory;

	if (fd < 0)
		return -EPROTO;
	memory = mmap(NULL, FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	devices->memory = memory;
	devices->takes++;
	devices->told = taken->log_head;
	devices->epoch = taken->epoch;
	devices->is_held = taken->flags & DOOR_IS_HOLDING;
	devices->is_lost = taken->flags & DOOR_IS_LOST;
	return record_log_open(&devices->log, (uint8_t *)memory + DOOR_LOG_OFFSET, DOOR_LOG_BYTES,
	                       true);
}

/* One message, if there is one: what came by itself is taken note of. */
static int receive(struct devices *devices, struct door_message *message, int *fd)
{
	int err = door_receive(devices->door, message, fd);

	if (!err && message->kind == DOOR_WANTED)
		devices->is_wanted = true;
	return err;
}

static bool is_answer(const struct door_message *message, enum door_kind asked)
{
	switch (asked) {
	case DOOR_TAKE:
		return message->kind == DOOR_TAKEN;
	case DOOR_HOLD:
		return message->kind == DOOR_HELD;
	case DOOR_STOP:
		return message->kind == DOOR_STOPPED;
	case DOOR_CUT:
		return message->kind == DOOR_DONE;
	case DOOR_FREE:
		return message->kind == DOOR_FREED;
	case DOOR_LEASE:
		return message->kind == DOOR_LEASED;
	case DOOR_PAIR:
		return message->kind == DOOR_PAIRED;
	case DOOR_EXEMPT:
		return message->kind == DOOR_EXEMPTED;
	default:
		return false;
	}
}

static int wait_answer(struct devices *devices, enum door_kind asked, struct door_message *message,
                       int *fd, int64_t until)
{
	for (;;) {
		struct pollfd ready = { .fd = devices->door, .events = POLLIN };
		int err = receive(devices, message, fd);
		int64_t left;

		if (!err && is_answer(message, asked))
			return 0;
		if (!err && message->kind == DOOR_REFUSED && message->flags == asked)
			return message->error ? message->error : -EPROTO;
		if (*fd >= 0)
			close(*fd);
		if (err && err != -EAGAIN)
			return err;
		/* Whatever it says meanwhile. */
		left = until - now_ms();
		if (left <= 0 || (err && poll(&ready, 1, (int)left) == 0))
			return -ETIMEDOUT;
	}
}

static int say(struct devices *devices, const struct door_message *message, int wait_ms,
               struct door_message *reply, int *fd)
{
	int err = devices->door < 0 ? -EPIPE : door_send(devices->door, message, -1);

	if (!err && wait_ms)
		err = wait_answer(devices, message->kind, reply, fd, now_ms() + wait_ms);
	/* Answers that come later would be taken for others. */
	if (err == -ETIMEDOUT || err == -EPIPE || err == -EPROTO)
		devices_leave(devices);
	return err;
}

static int ask(struct devices *devices, enum door_kind kind, uint64_t epoch, int wait_ms,
               struct door_message *reply, int *fd)
{
	struct door_message message = { .version = DOOR_VERSION, .kind = kind, .epoch = epoch };

	return say(devices, &message, wait_ms, reply, fd);
}

int devices_take(struct devices *devices, unsigned int domid, uint64_t epoch)
{
	struct door_message taken;
	int fd = -1, err;

	devices_leave(devices);
	devices->door = door_connect(domid);
	if (devices->door < 0) {
		err = devices->door;
		devices->door = -1;
		return err;
	}
	err = ask(devices, DOOR_TAKE, epoch, DEVICES_TAKE_MS, &taken, &fd);
	if (!err)
		err = map_notes(devices, &taken, fd);
	if (fd >= 0)
		close(fd);
	if (err)
		devices_leave(devices);
	return err;
}

/* Answers of earlier leases may come before that of this one: each says its time. */
int devices_lease(struct devices *devices, uint64_t until, bool is_awaited)
{
	int64_t end = now_ms() + DEVICES_ANSWER_MS;
	struct door_message reply = { .kind = 0 };
	int fd = -1;
	int err = ask(devices, DOOR_LEASE, until, 0, NULL, NULL);

	while (!err && is_awaited && (reply.kind != DOOR_LEASED || reply.epoch != until))
		err = wait_answer(devices, DOOR_LEASE, &reply, &fd, end);
	if (err == -ETIMEDOUT || err == -EPIPE || err == -EPROTO)
		devices_leave(devices);
	return err;
}

int devices_exempt(struct devices *devices, const struct exempt *exempt)
{
	struct door_message message = { .version = DOOR_VERSION,
		                        .kind = DOOR_EXEMPT,
		                        .exempt = *exempt };
	struct door_message reply;
	int fd = -1;
	int err = say(devices, &message, DEVICES_ANSWER_MS, &reply, &fd);

	if (fd >= 0)
		close(fd);
	return err;
}

int devices_ask(struct devices *devices, enum door_kind kind, uint64_t epoch)
{
	bool is_answered = kind != DOOR_RELEASE && kind != DOOR_FORGET && kind != DOOR_COMMITTED;
	struct door_message reply;
	int fd = -1;
	int err = ask(devices, kind, epoch, is_answered ? DEVICES_ANSWER_MS : 0, &reply, &fd);

	if (fd >= 0)
		close(fd);
	if (err)
		return err;
	if (kind == DOOR_HOLD)
		devices->is_held = true;
	if (kind == DOOR_STOP) {
		devices->is_wanted = false;
		devices->held_kib = reply.flags;
		devices->held_frames = reply.frames;
	}
	if (kind == DOOR_FREE) { /* its file is gone */
		devices->is_held = false;
		devices_leave(devices);
	}
	return 0;
}

int devices_listen(struct devices *devices)
{
	struct door_message message;
	int fd = -1, err = 0;

	if (devices->door < 0)
		return -EPIPE;
	for (unsigned int i = 0; !err && i < HEARD_AT_ONCE; i++) {
		err = receive(devices, &message, &fd);
		if (!err && fd >= 0)
			close(fd);
	}
	if (!err || err == -EAGAIN)
		return 0;
	devices_leave(devices);
	return err;
}

const struct record *devices_note(struct devices *devices, uint64_t epoch)
{
	uint64_t position = devices->told;
	const struct record *record;

	if (!devices->memory)
		return NULL;
	record = record_log_next(&devices->log, &position, record_log_tail(&devices->log));
	if (!record || record->epoch > epoch)
		return NULL;
	devices->told = position;
	return record;
}

const struct record *devices_told(const struct devices *devices, uint64_t *position)
{
	uint64_t head;

	if (!devices->memory)
		return NULL;
	head = record_log_head(&devices->log);
	if (*position < head)
		*position = head;
	return record_log_next(&devices->log, position, devices->told);
}
