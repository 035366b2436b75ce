/* What becomes of a guest's output: it passes, or it is held by epoch and its disk writes are noted (I1, I3). */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/backend/output.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "replication/backend/guest_lock.h"
#include "replication/hold/shared.h"

#define MAGIC UINT64_C(0x3174756f736d6572) /* "remsout1" */
/* For the worker of an earlier guest: it ends as soon as its devices are gone. */
#define LOCK_TRIES    1000
#define LOCK_PAUSE_NS 10000000L

#define FILE_BYTES ((size_t)DOOR_LOG_OFFSET + DOOR_LOG_BYTES)

struct output_page {
	uint64_t magic;
	uint32_t is_holding;
	uint32_t is_lost; /* notes were */
	uint64_t epoch;   /* the open one */
	uint64_t released;
	uint64_t lease; /* what was released may leave until then; see output_lease() */
	struct exempt exempt;
};

static void make_path(const struct output *output, char *path)
{
	snprintf(path, DOOR_PATH_BYTES, DOOR_FOLDER "/output-%u.held", output->domid);
}

static uint8_t *log_memory(const struct output *output)
{
	return (uint8_t *)output->page + DOOR_LOG_OFFSET;
}

static int make_page(struct output *output)
{
	char path[DOOR_PATH_BYTES];
	void *memory = NULL;

	make_path(output, path);
	output->fd = shared_make(path, FILE_BYTES, &memory);
	if (output->fd < 0)
		return output->fd;
	output->page = memory;
	return record_log_open(&output->log, log_memory(output), DOOR_LOG_BYTES, false);
}

/* Nothing was held so far. */
static void fill_page(struct output *output, bool is_holding)
{
	*output->page = (struct output_page){
		.magic = MAGIC, .is_holding = is_holding, .epoch = 1, .lease = UINT64_MAX
	};
}

static void drop_page(struct output *output, bool is_final)
{
	char path[DOOR_PATH_BYTES];

	if (output->page) {
		munmap(output->page, FILE_BYTES);
		close(output->fd);
	}
	output->page = NULL;
	output->is_taking = output->is_stopped = false;
	make_path(output, path);
	if (is_final)
		unlink(path);
}

/* Held, but what was noted is unknown: begin anew, and let no holder believe that it knows the disks. */
static int adopt_lost(struct output *output)
{
	int err;

	drop_page(output, true);
	err = make_page(output);
	if (err)
		return err;
	fill_page(output, true);
	output->page->is_lost = 1;
	output->page->lease = 0; /* whether there was one is unknown, too */
	log_error("guest %u: what was noted of its disk writes is lost; its output stays held",
	          output->domid);
	return 0;
}

int output_adopt(struct output *output, unsigned int domid, const struct output_ops *ops)
{
	char path[DOOR_PATH_BYTES];
	void *memory = NULL;

	*output = (struct output){ .ops = ops, .domid = domid };
	make_path(output, path);
	output->fd = shared_find(path, FILE_BYTES, &memory);
	if (output->fd == -ENOENT)
		return 0;
	if (output->fd < 0)
		return adopt_lost(output);
	output->page = memory;
	if (output->page->magic != MAGIC ||
	    (output->page->is_holding &&
	     record_log_open(&output->log, log_memory(output), DOOR_LOG_BYTES, true)))
		return adopt_lost(output);
	if (!output->page->is_holding) {
		drop_page(output, true);
		return 0;
	}
	if (!exempt_is_sound(&output->page->exempt))
		output->page->exempt = (struct exempt){ .types = { 0 } };
	log_info("guest %u: output is held since epoch %llu", domid,
	         (unsigned long long)output->page->epoch);
	return 0;
}

static int prepare_page(unsigned int domid)
{
	struct output output = { .domid = domid };
	int err = make_page(&output);

	if (err)
		return err;
	fill_page(&output, true);
	output.page->lease = 0;
	munmap(output.page, FILE_BYTES);
	close(output.fd);
	return 0;
}

int output_prepare(unsigned int domid)
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_NS };
	int err, lock = -EWOULDBLOCK;

	for (unsigned int i = 0; lock == -EWOULDBLOCK && i < LOCK_TRIES; i++) {
		lock = guest_lock_take(domid);
		if (lock == -EWOULDBLOCK)
			nanosleep(&pause, NULL);
	}
	if (lock < 0)
		return lock;
	err = prepare_page(domid);
	guest_lock_drop(domid, lock);
	return err;
}

bool output_is_prepared(unsigned int domid)
{
	struct output output = { .domid = domid };
	char path[DOOR_PATH_BYTES];
	void *memory = NULL;
	bool is_so;
	int fd;

	make_path(&output, path);
	fd = shared_find(path, FILE_BYTES, &memory);
	if (fd < 0)
		return false;
	output.page = memory;
	is_so = output.page->magic == MAGIC && output.page->is_holding && !output.page->lease;
	munmap(memory, FILE_BYTES);
	close(fd);
	return is_so;
}

void output_remove(struct output *output)
{
	drop_page(output, true);
}

/* --- answers --- */

static void tell_held(struct output *output, struct door_message *stopped)
{
	struct held_sum sum;

	if (!output->ops->held)
		return;
	sum = output->ops->held(output);
	stopped->flags = (uint32_t)((sum.bytes + 1023) >> 10);
	stopped->frames = sum.frames;
}

static void answer(struct output *output, enum door_kind kind, uint64_t epoch)
{
	struct door_message message = { .version = DOOR_VERSION, .kind = kind, .epoch = epoch };

	if (output->page) {
		message.log_head = record_log_head(&output->log);
		message.log_tail = record_log_tail(&output->log);
	}
	if (kind == DOOR_TAKEN)
		message.flags = (output->page->is_holding ? DOOR_IS_HOLDING : 0) |
		                (output->page->is_lost ? DOOR_IS_LOST : 0);
	if (kind == DOOR_STOPPED)
		tell_held(output, &message);
	output->ops->answer(output, &message, kind == DOOR_TAKEN ? output->fd : -1);
}

static void refuse(struct output *output, const struct door_message *asked, int err)
{
	struct door_message message = { .version = DOOR_VERSION,
		                        .kind = DOOR_REFUSED,
		                        .error = err,
		                        .flags = asked->kind,
		                        .epoch = asked->epoch };

	output->ops->answer(output, &message, -1);
}

/* --- what a holder asks; each 0 or why it is refused, with nothing changed --- */

static int take(struct output *output, const struct door_message *asked)
{
	int err = 0;

	if (output->has_holder && output->page)
		return -EBUSY;
	if (!output->page) {
		err = make_page(output);
		if (!err)
			fill_page(output, false);
	}
	if (err)
		return err;
	output->has_holder = output->is_taking = true;
	output->is_wanted = false;
	if (asked->epoch > output->page->epoch)
		output->page->epoch = asked->epoch;
	output_settled(output);
	return 0;
}

static int hold(struct output *output, const struct door_message *asked)
{
	int err = output_is_held(output) ? 0 : output->ops->hold(output);

	if (err)
		return err;
	if (!output_is_held(output)) {
		output->page->released = output->page->epoch - 1;
		output->page->is_holding = 1;
	}
	answer(output, DOOR_HELD, asked->epoch);
	return 0;
}

static int stop(struct output *output, const struct door_message *asked)
{
	if (asked->epoch < output->page->epoch)
		return -EINVAL;
	output->is_stopped = true;
	output->is_wanted = false;
	output->page->epoch = asked->epoch + 1;
	answer(output, DOOR_STOPPED, asked->epoch);
	return 0;
}

static int mark(struct output *output, const struct door_message *asked)
{
	return output->ops->mark ? output->ops->mark(output, asked->kind, asked->epoch) : -ENOSYS;
}

static int pair(struct output *output, const struct door_message *asked)
{
	int err = mark(output, asked);

	if (!err)
		answer(output, DOOR_PAIRED, asked->epoch);
	return err;
}

/* Nobody waits for an answer. */
static int committed(struct output *output, const struct door_message *asked)
{
	if (asked->epoch >= output->page->epoch)
		return -EINVAL;
	mark(output, asked);
	return 0;
}

static int cut(struct output *output, const struct door_message *asked)
{
	if (asked->epoch + 1 != output->page->epoch)
		return -EINVAL;
	if (!output->is_stopped)
		return -ETIME;
	output->is_stopped = false;
	mark(output, asked);
	answer(output, DOOR_DONE, asked->epoch);
	output->ops->go(output);
	return 0;
}

static void forget_notes(struct output *output, uint64_t epoch)
{
	uint64_t end = record_log_tail(&output->log);
	uint64_t position = record_log_head(&output->log);
	uint64_t under_way = output->ops->under_way(output);
	const struct record *record;

	/* Until a write is done, its note is the only place where whoever copies the image finds it. */
	while ((record = record_log_next(&output->log, &position, end)) && record->epoch <= epoch &&
	       position <= under_way)
		record_log_drop(&output->log, position);
}

static int release(struct output *output, const struct door_message *asked)
{
	if (asked->epoch >= output->page->epoch)
		return -EINVAL;
	if (asked->epoch > output->page->released)
		output->page->released = asked->epoch;
	forget_notes(output, asked->epoch);
	if (!output->is_stopped)
		output->ops->go(output);
	return 0;
}

static int forget(struct output *output, const struct door_message *asked)
{
	if (asked->epoch >= output->page->epoch)
		return -EINVAL;
	forget_notes(output, asked->epoch);
	if (!output->is_stopped)
		output->ops->go(output);
	return 0;
}

static int lease(struct output *output, const struct door_message *asked)
{
	bool is_longer = asked->epoch > output->page->lease;

	output->page->lease = asked->epoch;
	answer(output, DOOR_LEASED, asked->epoch);
	if (is_longer && !output->is_stopped)
		output->ops->go(output);
	return 0;
}

/* What is held of them already leaves with its epoch. */
static int exempt(struct output *output, const struct door_message *asked)
{
	if (!exempt_is_sound(&asked->exempt))
		return -EINVAL;
	output->page->exempt = asked->exempt;
	answer(output, DOOR_EXEMPTED, asked->epoch);
	return 0;
}

static int free_output(struct output *output, const struct door_message *asked)
{
	if (output->page->is_holding)
		log_warning("guest %u: its output is held no more", output->domid);
	drop_page(output, true);
	answer(output, DOOR_FREED, asked->epoch);
	output->ops->go(output);
	return 0;
}

void output_message(struct output *output, const struct door_message *asked)
{
	int err;

	if (asked->kind == DOOR_TAKE)
		err = take(output, asked);
	else if (!output->has_holder || !output->page)
		err = -EPERM;
	else if (output->is_taking ||
	         (output->is_stopped && asked->kind != DOOR_CUT && asked->kind != DOOR_RELEASE &&
	          asked->kind != DOOR_FORGET && asked->kind != DOOR_FREE &&
	          asked->kind != DOOR_LEASE && asked->kind != DOOR_COMMITTED))
		err = -EBUSY;
	else if (asked->kind == DOOR_HOLD)
		err = hold(output, asked);
	else if (asked->kind == DOOR_STOP)
		err = stop(output, asked);
	else if (asked->kind == DOOR_CUT)
		err = cut(output, asked);
	else if (asked->kind == DOOR_RELEASE)
		err = release(output, asked);
	else if (asked->kind == DOOR_FORGET)
		err = forget(output, asked);
	else if (asked->kind == DOOR_LEASE)
		err = lease(output, asked);
	else if (asked->kind == DOOR_EXEMPT)
		err = exempt(output, asked);
	else if (asked->kind == DOOR_PAIR)
		err = pair(output, asked);
	else if (asked->kind == DOOR_COMMITTED)
		err = committed(output, asked);
	else if (asked->kind == DOOR_FREE)
		err = free_output(output, asked);
	else
		err = -ENOSYS;
	if (err)
		refuse(output, asked, err);
}

static void go_on(struct output *output)
{
	bool was_stopped = output->is_stopped;

	output->is_stopped = false;
	if (was_stopped)
		output->ops->go(output);
}

void output_holder_gone(struct output *output)
{
	output->has_holder = output->is_taking = false;
	if (!output->page)
		return;
	if (output->page->is_holding) {
		log_warning("guest %u: nobody cares for its output, which stays held",
		            output->domid);
		go_on(output);
		return;
	}
	drop_page(output, true);
	output->ops->go(output);
}

void output_stop_expired(struct output *output)
{
	log_warning("guest %u: the capture took too long, its devices go on", output->domid);
	go_on(output);
}

void output_settled(struct output *output)
{
	if (!output->is_taking || !output->ops->is_noted(output))
		return;
	output->is_taking = false;
	answer(output, DOOR_TAKEN, output->page->epoch);
}

/* --- for devices --- */

bool output_is_held(const struct output *output)
{
	return output->page && output->page->is_holding;
}

uint64_t output_epoch(const struct output *output)
{
	return output->page->epoch;
}

uint64_t output_released(const struct output *output)
{
	return output_is_held(output) ? output->page->released : UINT64_MAX;
}

uint64_t output_lease(const struct output *output)
{
	return output_is_held(output) ? output->page->lease : UINT64_MAX;
}

bool output_is_exempt(const struct output *output, const uint8_t *frame, size_t length)
{
	return output_is_held(output) && exempt_has(&output->page->exempt, frame, length);
}

void output_want(struct output *output)
{
	if (!output->page || !output->has_holder || output->is_taking || output->is_wanted)
		return;
	output->is_wanted = true;
	answer(output, DOOR_WANTED, output->page->epoch);
}

bool output_is_noting(const struct output *output)
{
	return output->page != NULL;
}

uint64_t output_note_position(const struct output *output)
{
	return record_log_tail(&output->log);
}

bool output_note(struct output *output, enum door_note kind, const struct door_write *write,
                 const void *contents, size_t bytes)
{
	uint8_t *room;

	assert(!output->is_stopped);
	room = record_log_reserve(&output->log, kind, output->page->epoch, sizeof(*write) + bytes);
	if (!room) {
		record_log_abandon(&output->log);
		output_want(output);
		return false;
	}
	memcpy(room, write, sizeof(*write));
	if (bytes)
		memcpy(room + sizeof(*write), contents, bytes);
	return true;
}

void output_note_end(struct output *output)
{
	record_log_publish(&output->log);
}
