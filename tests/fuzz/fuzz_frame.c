/* Feeds a peer's bytes to the frame reader, and what comes out to the parser of its kind. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/wire/frame.c replication/wire/body.c replication/wire/disk.c replication/wire/hello.c replication/wire/pages.c */
/* libs: -lxxhash */

#include <stdlib.h>
#include <string.h>

#include "replication/wire/body.h"
#include "replication/wire/disk.h"
#include "replication/wire/hello.h"
#include "replication/wire/pages.h"

#define BODY_MAX     (1u << 17)
#define MEMORY_PAGES 1000u

static uint64_t touch(const uint8_t *bytes, size_t size)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < size; i++)
		sum += bytes[i];
	return sum;
}

static void take_writes(const struct frame *frame)
{
	static const struct disk_limits limits = { .disks = 2, .sectors = { 1000, 50 } };
	struct disk_write write;
	uint32_t count, offset = 0;
	const char *why;

	if (disk_check(frame, &limits, &count, &why) != 0)
		return;
	while (disk_next(frame->body, frame->size, &offset, &write)) {
		if (write.disk > 1 || write.sector + write.sectors > limits.sectors[write.disk])
			abort();
		if (write.data)
			touch(write.data, write.size);
		count--;
	}
	if (count || offset != frame->size)
		abort();
}

static void take_pages(const struct frame *frame)
{
	static struct page_batch batch;
	const char *why;

	if (pages_parse(frame->body, frame->size, MEMORY_PAGES, WIRE_CODECS, &batch, &why) != 0)
		return;
	for (uint32_t i = 0; i < batch.count; i++) {
		if (page_entry_gfn(batch.entry[i]) >= MEMORY_PAGES)
			abort();
		touch(batch.payload[i], page_entry_size(batch.entry[i]));
	}
}

static void take_hello(const struct frame *frame)
{
	struct wire_hello mine, theirs;
	struct agreement agreement;
	struct refusal refusal;
	const char *why;

	hello_init(&mine);
	mine.role = WIRE_STANDBY;
	if (hello_parse(frame, &theirs, &why) == 0)
		hello_agree(&mine, &theirs, &agreement, &refusal);
}

static void take(const struct frame *frame)
{
	union {
		struct wire_begin begin;
		struct wire_end end;
		struct wire_progress progress;
		struct wire_ack ack;
		struct wire_keepalive keepalive;
		struct wire_beat beat;
		struct reason reason;
		struct state_piece piece;
		struct marks_piece marks;
	} body;
	const char *why;

	switch (frame->type) {
	case WIRE_HELLO:
		return take_hello(frame);
	case WIRE_BYE:
	case WIRE_NACK:
		if (body_parse_reason(frame, &body.reason, &why) == 0)
			touch((const uint8_t *)body.reason.text, strlen(body.reason.text));
		return;
	case WIRE_BEGIN:
		body_parse_begin(frame, &body.begin, &why);
		return;
	case WIRE_END:
		body_parse_end(frame, &body.end, &why);
		return;
	case WIRE_PROGRESS:
		body_parse_progress(frame, &body.progress, &why);
		return;
	case WIRE_ACK:
		body_parse_ack(frame, &body.ack, &why);
		return;
	case WIRE_KEEPALIVE:
		body_parse_keepalive(frame, &body.keepalive, &why);
		return;
	case WIRE_BEAT:
		body_parse_beat(frame, &body.beat, &why);
		return;
	case WIRE_MARKS:
		if (body_parse_marks(frame, &body.marks, &why) == 0)
			touch(body.marks.bits, body.marks.size);
		return;
	case WIRE_STATE:
		if (body_parse_state(frame, &body.piece, &why) == 0)
			touch(body.piece.bytes, body.piece.size);
		return;
	case WIRE_PAGES:
		return take_pages(frame);
	case WIRE_DISK_WRITE:
	case WIRE_DISK_SYNC:
		return take_writes(frame);
	default:
		abort();
	}
}

/* As it is: a fuzzer finds the magic, but no sum. */
static void read_raw(const uint8_t *data, size_t size)
{
	struct frame_reader *reader = frame_reader_new(BODY_MAX);
	struct frame frame;
	const char *why;

	while (size) {
		size_t room, some;
		uint8_t *to = frame_reader_room(reader, &room);

		some = size < 97 ? size : 97;
		some = some < room ? some : room;
		memcpy(to, data, some);
		frame_reader_filled(reader, some);
		data += some;
		size -= some;
		while (frame_reader_next(reader, &frame, &why) > 0)
			take(&frame);
	}
	frame_reader_free(reader);
}

/* As the body of each kind, from memory that ends where it ends. */
static void read_body(const uint8_t *data, size_t size)
{
	uint8_t *body = malloc(size);
	struct frame frame = { .epoch = 5, .body = body, .size = (uint32_t)size };

	memcpy(body, data, size);
	for (enum wire_type type = WIRE_HELLO; type < WIRE_TYPES; type++) {
		frame.type = type;
		take(&frame);
	}
	free(body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	read_raw(data, size);
	read_body(data, size);
	return 0;
}
