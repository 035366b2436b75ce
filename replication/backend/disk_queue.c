/* The requests of a disk that were read and not yet answered, in ring order. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/backend/disk_queue.h"

#include <errno.h>

#include <stdint.h>

#include <xen/xen.h>
#include <xen/io/blkif.h>

#include "common/log.h"

/* Copies, of a page at most, after which requests that were read go on while others are still unread. */
#define COPIES_AT_ONCE 64u

static struct disk_request *at(struct disk *disk, uint32_t index)
{
	return &disk->requests[index & (disk->ring.slots - 1)];
}

void disk_queue_reset(struct disk *disk)
{
	disk->free_count = DISK_REQUESTS_MAX;
	for (unsigned int i = 0; i < DISK_REQUESTS_MAX; i++)
		disk->free_buffers[i] = disk->arena + (size_t)(DISK_REQUESTS_MAX - 1 - i) *
		                                              BLOCK_REQUEST_BYTES_MAX;
}

static void finish(struct disk_request *request, int16_t status)
{
	request->disk->unnoted -= request->is_unnoted;
	request->is_unnoted = request->is_noted = false;
	request->status = status;
	request->stage = DISK_DONE;
}

static int16_t status_of(int err)
{
	return err == -EOPNOTSUPP ? BLKIF_RSP_EOPNOTSUPP : BLKIF_RSP_ERROR;
}

static void job_done(struct image_job *job, int err)
{
	struct disk_request *request = (struct disk_request *)job;
	struct disk *disk = request->disk;

	disk->running--;
	if (err)
		log_warning("%s: request %u of sector %llu failed: errno %d",
		            disk->device.machine.who, request->parsed.code,
		            (unsigned long long)request->parsed.sector, -err);
	if (request->is_change)
		disk_marks_ended(disk, request, err);
	request->is_change = false;
	if (!disk->device.is_connected) {
		finish(request, BLKIF_RSP_ERROR);
	} else if (err) {
		finish(request, status_of(err));
	} else if (request->flushes_after) {
		request->flushes_after = false;
		disk->running++;
		image_flush(&disk->device.host->images, &disk->image, job);
	} else if (request->parsed.op == BLOCK_READ) {
		request->stage = DISK_READ;
	} else {
		finish(request, BLKIF_RSP_OKAY);
	}
}

static bool is_change(const struct block_request *parsed)
{
	return parsed->op != BLOCK_READ && parsed->sectors;
}

static void start(struct disk *disk, struct disk_request *request)
{
	struct image_queue *queue = &disk->device.host->images;
	const struct block_request *parsed = &request->parsed;
	uint64_t offset = parsed->sector * BLOCK_SECTOR_BYTES;
	uint64_t bytes = parsed->sectors * BLOCK_SECTOR_BYTES;

	request->stage = DISK_RUNNING;
	request->job.done = job_done;
	request->is_change = is_change(parsed);
	if (request->is_change)
		disk_marks_begun(disk, request);
	disk->running++;
	switch (parsed->op) {
	case BLOCK_READ:
		image_read(queue, &disk->image, &request->job, request->buffer, offset, bytes);
		break;
	case BLOCK_FLUSH:
		request->flushes_after = bytes != 0;
		if (!bytes) {
			image_flush(queue, &disk->image, &request->job);
			break;
		}
		/* fall through */
	case BLOCK_WRITE:
		image_write(queue, &disk->image, &request->job, request->buffer, offset, bytes);
		break;
	default:
		image_discard(queue, &disk->image, &request->job, offset, bytes);
	}
}

/* Note what the request changes, for the standby, before it is done. false: it has to wait for room. */
static bool note(struct disk *disk, struct disk_request *request)
{
	struct output *output = &disk->device.host->output;
	const struct block_request *parsed = &request->parsed;
	struct door_write write = { .disk = disk->device.id,
		                    .sector = parsed->sector,
		                    .sectors = parsed->sectors };
	size_t bytes = parsed->sectors * BLOCK_SECTOR_BYTES;
	bool has_room = true;

	request->note = output_is_noting(output) ? output_note_position(output) : 0;
	if (parsed->op == BLOCK_READ)
		return true;
	if (!output_is_noting(output)) {
		request->is_unnoted = true;
		disk->unnoted++;
		return true;
	}
	if (parsed->op == BLOCK_DISCARD)
		has_room = output_note(output, NOTE_DISCARD, &write, NULL, 0);
	else if (bytes)
		has_room = output_note(output, NOTE_WRITE, &write, request->buffer, bytes);
	if (has_room && parsed->op == BLOCK_FLUSH)
		has_room = output_note(output, NOTE_FLUSH, &write, NULL, 0);
	if (has_room)
		output_note_end(output);
	request->is_noted = has_room;
	return has_room;
}

uint64_t disk_oldest_note(const struct disk *disk)
{
	uint64_t oldest = UINT64_MAX;

	for (unsigned int i = 0; i < DISK_REQUESTS_MAX; i++) {
		const struct disk_request *request = &disk->requests[i];

		if (request->is_noted && request->note < oldest)
			oldest = request->note;
	}
	return oldest;
}

/* Whether what it changes is known to differ from the copy, should this host die. false: it waits for that, or has failed. */
static bool is_marked(struct disk *disk, struct disk_request *request)
{
	enum marks_answer answer = MARKS_SAFE;

	if (is_change(&request->parsed))
		answer = disk_marks_cover(disk, request);
	if (answer == MARKS_LOST)
		finish(request, BLKIF_RSP_ERROR);
	return answer == MARKS_SAFE;
}

/* Start what waits and need not wait for an earlier one any more. */
static void start_ready(struct disk *disk)
{
	struct ring *ring = &disk->ring;

	for (uint32_t i = ring->rsp_prod; i != ring->req_cons; i++) {
		struct disk_request *request = at(disk, i);
		bool must_wait = request->stage != DISK_WAITING;

		for (uint32_t j = ring->rsp_prod; j != i && !must_wait; j++)
			must_wait = at(disk, j)->stage < DISK_READ &&
			            block_must_follow(&request->parsed, &at(disk, j)->parsed);
		if (!must_wait && is_marked(disk, request) && note(disk, request))
			start(disk, request);
	}
	disk_marks_go(disk);
}

/* Copy between a request's buffer and the guest's segments. */
static int copy_segments(struct disk *disk, const struct disk_request *request, bool is_to_guest)
{
	struct grants *grants = &disk->device.host->grants;
	uint8_t *buffer = request->buffer;
	int err = 0;

	for (unsigned int i = 0; i < request->parsed.segment_count && !err; i++) {
		const struct block_segment *segment = &request->parsed.segments[i];
		uint16_t offset = (uint16_t)(segment->first * BLOCK_SECTOR_BYTES);
		uint16_t bytes = (uint16_t)((segment->last - segment->first + 1u) *
		                            BLOCK_SECTOR_BYTES);

		err = is_to_guest ? grants_write(grants, segment->ref, offset, buffer, bytes)
		                  : grants_read(grants, segment->ref, offset, buffer, bytes);
		buffer += bytes;
	}
	return err;
}

/* What a well-formed request may not do here is answered, not punished: 0 if it may. */
static int16_t refusal(const struct disk *disk, const struct block_request *parsed)
{
	bool changes = parsed->op == BLOCK_WRITE || parsed->op == BLOCK_DISCARD;

	if (parsed->op == BLOCK_UNSUPPORTED ||
	    (parsed->op == BLOCK_DISCARD && !disk->image.can_discard))
		return BLKIF_RSP_EOPNOTSUPP;
	if (!block_is_within(parsed, disk->image.sectors) ||
	    ((changes || parsed->sectors) && parsed->op != BLOCK_READ && disk->image.is_read_only))
		return BLKIF_RSP_ERROR;
	return BLKIF_RSP_OKAY;
}

/* Judge a parsed request, and begin to copy in what it writes. */
static int admit(struct disk *disk, struct disk_request *request)
{
	struct block_request *parsed = &request->parsed;
	int16_t refused = refusal(disk, parsed);

	if (refused == BLKIF_RSP_OKAY && parsed->op == BLOCK_DISCARD && parsed->sectors == 0) {
		finish(request, BLKIF_RSP_OKAY);
		return 0;
	}
	if (refused != BLKIF_RSP_OKAY) {
		/* It takes no part in the order of what changes the disk. */
		finish(request, refused);
		return 0;
	}
	request->stage = DISK_WAITING;
	return parsed->op == BLOCK_READ ? 0 : copy_segments(disk, request, false);
}

/* The segments of an indirect request stand in a page of the guest: a copy of its own, before the rest. */
static int read_indirect(struct disk *disk, struct block_request *parsed, const char **why)
{
	struct grants *grants = &disk->device.host->grants;
	int err = grants_read(grants, parsed->indirect_ref, 0, disk->indirect_page,
	                      (uint16_t)block_indirect_bytes(parsed));

	if (!err)
		err = grants_run(grants);
	return err ? err : block_parse_indirect(disk->indirect_page, parsed, why);
}

static int take_one(struct disk *disk, const char **why)
{
	struct ring *ring = &disk->ring;
	struct disk_request *request = at(disk, ring->req_cons);
	uint8_t slot[BLOCK_SLOT_BYTES_MAX];
	int err;

	ring_peek(ring, 0, slot);
	err = block_parse(disk->layout, slot, &request->parsed, why);
	if (!err && request->parsed.is_indirect)
		err = read_indirect(disk, &request->parsed, why);
	if (err)
		return err;
	request->disk = disk;
	request->flushes_after = request->is_unnoted = request->is_noted = false;
	request->is_change = false;
	request->buffer = disk->free_buffers[--disk->free_count];
	ring_consume(ring, 1);
	return admit(disk, request);
}

/* What was read is whole: hand it to the kernel. */
static int go_on(struct disk *disk)
{
	int err = grants_run(&disk->device.host->grants);

	if (err)
		return err;
	start_ready(disk);
	image_queue_submit(&disk->device.host->images);
	return 0;
}

/* Take all that is unread. 0, or a negative errno with *why. The storage does not idle while a ring full of large writes
 * is copied: they go on a few at a time. */
static int take(struct disk *disk, const char **why)
{
	int unread;
	int err = 0;

	*why = "it uses pages that it has not granted";
	while ((unread = ring_unread(&disk->ring)) != 0 || (unread = ring_ask(&disk->ring)) != 0) {
		if (unread < 0) {
			*why = "it claims more requests than its ring holds";
			return unread;
		}
		while (unread-- && !err) {
			err = take_one(disk, why);
			if (!err && disk->device.host->grants.count >= COPIES_AT_ONCE)
				err = go_on(disk);
		}
		if (err)
			return err;
	}
	return go_on(disk);
}

/* Copy out all that was read since. */
static int deliver(struct disk *disk)
{
	struct ring *ring = &disk->ring;
	int err = 0;
	int ran;

	for (uint32_t i = ring->rsp_prod; i != ring->req_cons && !err; i++) {
		struct disk_request *request = at(disk, i);

		if (request->stage != DISK_READ)
			continue;
		err = copy_segments(disk, request, true);
		finish(request, BLKIF_RSP_OKAY);
	}
	ran = grants_run(&disk->device.host->grants);
	return err ? err : ran;
}

/* Answer what is done, as far as ring order goes. */
static void answer(struct disk *disk)
{
	struct ring *ring = &disk->ring;
	uint8_t responses[DISK_REQUESTS_MAX * RING_RESPONSE_BYTES_MAX];
	uint8_t *response = responses;
	uint32_t count = 0;

	for (uint32_t i = ring->rsp_prod; i != ring->req_cons && at(disk, i)->stage == DISK_DONE;
	     i++, count++) {
		struct disk_request *request = at(disk, i);

		block_response(disk->layout, &request->parsed, request->status, response);
		response += disk->layout->response_bytes;
		disk->free_buffers[disk->free_count++] = request->buffer;
	}
	if (count && ring_respond(ring, responses, count))
		device_notify(&disk->device, 0);
}

/* The guest hears of what is done before more is copied: it goes on meanwhile. */
bool disk_serve(struct disk *disk)
{
	const char *why = "it reads into pages that it has not granted";
	int err = deliver(disk);

	if (!err) {
		answer(disk);
		err = take(disk, &why);
	}
	if (err) {
		disk->device.host->grants.count = 0;
		device_fail(&disk->device, why);
		return false;
	}
	answer(disk);
	return true;
}
