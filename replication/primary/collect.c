/* Of an epoch that was cut, pages, state and disk writes become frames. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "replication/primary/parts.h"

#define SYNC_BYTES_A_TURN (4u << 20)

/* Writes that become a frame. */
struct writes_frame {
	uint32_t size, last; /* of its body; where its last write begins there */
	uint64_t read;       /* bytes of the disks */
};

static int put(struct primary *primary, struct kept_epoch *epoch, enum wire_type type,
               uint32_t size)
{
	return in_flight_put(&primary->in_flight, epoch, type, primary->body, size);
}

void primary_collect_begin(struct primary *primary)
{
	primary->stage = COLLECT_PAGES;
	primary->is_fetched = false;
}

void primary_collect_drop(struct primary *primary)
{
	encode_pool_cancel(primary->pool);
	in_flight_clear(&primary->in_flight);
	primary->stage = COLLECT_DONE;
}

static void advance(struct primary *primary, enum collect_stage stage)
{
	primary->stage = stage;
	primary->state_kind = WIRE_STATE_DOMAIN;
	primary->state_offset = 0;
}

/* One batch, if there is room for it. 1: the pool has it; 0: no room; or a negative errno. */
static int fetch_batch(struct primary *primary)
{
	struct encode_job *job = encode_pool_vacant(primary->pool);
	int count;

	if (!job)
		return 0;
	count = primary->vm->ops->fetch(primary->vm, job->pages, WIRE_PAGES_MAX);
	if (count <= 0) {
		primary->is_fetched = true;
		return count;
	}
	job->count = (uint32_t)count;
	primary->base_bytes += (uint64_t)count * WIRE_PAGE_SIZE;
	primary->totals.captured += (uint64_t)count * WIRE_PAGE_SIZE;
	encode_pool_push(primary->pool);
	return 1;
}

/* The oldest batch. 1: it is in the epoch; 0: it is not encoded yet; or a negative errno. */
static int put_batch(struct primary *primary, struct kept_epoch *epoch)
{
	const struct encode_job *job = encode_pool_pop(primary->pool);
	struct wire_pages head;
	int err;

	if (!job)
		return 0;
	if (!job->size)
		return 1;
	err = in_flight_put(&primary->in_flight, epoch, WIRE_PAGES, job->body, job->size);
	memcpy(&head, job->body, sizeof(head));
	epoch->pages += head.count;
	return err ? err : 1;
}

/* One batch goes in, and one comes out. */
static int collect_pages(struct primary *primary, struct kept_epoch *epoch)
{
	int fetched = primary->is_fetched ? 0 : fetch_batch(primary);
	int put = fetched < 0 ? fetched : put_batch(primary, epoch);

	if (put < 0)
		return put;
	if (primary->is_fetched && encode_pool_is_empty(primary->pool)) {
		/* A base has no state: it cannot run. */
		advance(primary, epoch->flags & WIRE_BEGIN_BASE ? COLLECT_WRITES : COLLECT_STATE);
		return 1;
	}
	primary->is_encoding = !fetched && !put;
	return !primary->is_encoding;
}

/* One piece. */
static int collect_state(struct primary *primary, struct kept_epoch *epoch)
{
	struct wire_state head = { .kind = primary->state_kind, .offset = primary->state_offset };
	uint32_t room = primary->agreement.body_max - (uint32_t)sizeof(head);
	const void *bytes = NULL;
	uint32_t size;
	int err = primary->vm->ops->state(primary->vm, primary->state_kind, &bytes, &head.total);

	if (err)
		return err;
	assert(head.total <= WIRE_STATE_MAX && head.offset <= head.total);
	size = head.total - head.offset < room ? head.total - head.offset : room;
	if (size) {
		memcpy(primary->body, &head, sizeof(head));
		memcpy(primary->body + sizeof(head), (const uint8_t *)bytes + head.offset, size);
		err = put(primary, epoch, WIRE_STATE, (uint32_t)sizeof(head) + size);
	}
	primary->state_offset += size;
	primary->totals.captured += size;
	if (primary->state_offset == head.total) {
		primary->state_offset = 0;
		primary->state_kind++;
	}
	if (primary->state_kind == WIRE_STATE_KINDS)
		advance(primary, COLLECT_WRITES);
	return err ? err : 1;
}

static int next_write(struct primary *primary, bool is_sync)
{
	struct vm *vm = primary->vm;

	if (is_sync)
		return vm->ops->sync(vm, &primary->write);
	return vm->ops->write(vm, primary->states.cut, &primary->write);
}

/* The VM's disks stand when their notes have filled the log, until a cut lets those be forgotten: reading all of the disks in one
 * round could take hours. A block that was read goes out first: what it lacks is told after it. */
static bool must_end_sync(const struct primary *primary)
{
	return primary->pace.is_wanted && !primary->has_write &&
	       primary->round_sync >= primary->settings.sync_bytes;
}

/* Blocks of zeroes side by side are one write of the frame. */
static int put_write(struct primary *primary, struct kept_epoch *epoch, struct writes_frame *frame)
{
	const struct disk_write *write = &primary->write;
	uint32_t start = frame->size;

	if (frame->size && disk_join(primary->body, frame->last, write))
		return 0;
	if (disk_put(primary->body, &frame->size, primary->agreement.body_max, write))
		return -ENOSPC;
	frame->last = start;
	epoch->disk_writes++;
	return 0;
}

/* A frame full of writes; of the disks no more than can be read without keeping others waiting. */
static int collect_writes(struct primary *primary, struct kept_epoch *epoch, bool is_sync)
{
	bool is_base = epoch->flags & WIRE_BEGIN_BASE;
	struct writes_frame frame = { 0 };
	bool is_cut_short = false;
	int more = 1;
	int err;

	while (more > 0 && !is_cut_short && frame.read < SYNC_BYTES_A_TURN) {
		if (!primary->has_write)
			more = next_write(primary, is_sync);
		if (more <= 0)
			break;
		primary->has_write = true;
		if (put_write(primary, epoch, &frame))
			break;
		primary->has_write = false;
		primary->totals.captured += primary->write.sectors * WIRE_SECTOR;
		if (is_sync) {
			frame.read += primary->write.sectors * WIRE_SECTOR;
			primary->base_bytes += primary->write.sectors * WIRE_SECTOR;
			primary->round_sync += primary->write.sectors * WIRE_SECTOR;
			is_cut_short = must_end_sync(primary);
		}
	}
	if (more < 0)
		return more;
	err = frame.size
	              ? put(primary, epoch, is_sync ? WIRE_DISK_SYNC : WIRE_DISK_WRITE, frame.size)
	              : 0;
	if (err || (more && !is_cut_short))
		return err ? err : 1;
	primary->is_sync_left = more;
	advance(primary, is_sync || !is_base ? COLLECT_DONE : COLLECT_SYNC);
	/* More rounds of a base may follow; it is made whole when there are none. Any other epoch is whole now: nothing that is
	 * captured later may find its way into it (I2). */
	epoch->is_whole = !is_base;
	return 1;
}

static int collect_some(struct primary *primary, struct kept_epoch *epoch)
{
	switch (primary->stage) {
	case COLLECT_PAGES:
		return collect_pages(primary, epoch);
	case COLLECT_STATE:
		return collect_state(primary, epoch);
	case COLLECT_WRITES:
		return collect_writes(primary, epoch, false);
	case COLLECT_SYNC:
		return primary->marks_due ? 0 : collect_writes(primary, epoch, true);
	default:
		return 0;
	}
}

int primary_collect(struct primary *primary)
{
	struct kept_epoch *epoch = in_flight_filling(&primary->in_flight);

	primary->is_encoding = false;
	if (!epoch)
		return 0;
	if (primary->in_flight.bytes >= primary->settings.kept_bytes) {
		/* Without a peer that takes it there will never be room. */
		return primary->is_agreed ? 0 : -ENOSPC;
	}
	return collect_some(primary, epoch);
}
