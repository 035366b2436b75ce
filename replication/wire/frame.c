/* Frames: a header and a body; making one, checking one, and cutting them out of a stream of bytes. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "replication/wire/frame.h"

#define HEADER_BYTES sizeof(struct wire_header)

/* Frames lie between first and end. */
struct frame_reader {
	uint32_t body_max;
	uint32_t sequence; /* that the next frame has */
	int error;
	const char *why;
	size_t first, end, bytes;
	uint8_t memory[];
};

static const char *const type_names[WIRE_TYPES] = {
	[WIRE_HELLO] = "hello",
	[WIRE_BYE] = "bye",
	[WIRE_KEEPALIVE] = "keepalive",
	[WIRE_BEGIN] = "begin",
	[WIRE_PAGES] = "pages",
	[WIRE_STATE] = "state",
	[WIRE_DISK_WRITE] = "disk-write",
	[WIRE_DISK_SYNC] = "disk-sync",
	[WIRE_END] = "end",
	[WIRE_PROGRESS] = "progress",
	[WIRE_ACK] = "ack",
	[WIRE_NACK] = "nack",
	[WIRE_BEAT] = "beat",
	[WIRE_MARKS] = "marks",
};

const char *frame_type_name(enum wire_type type)
{
	return type > 0 && type < WIRE_TYPES ? type_names[type] : "unknown";
}

static uint64_t sum_of(const struct wire_header *header, const void *body)
{
	uint64_t seed = XXH3_64bits(header, offsetof(struct wire_header, sum));

	return XXH3_64bits_withSeed(body, header->size, seed);
}

void frame_seal(struct wire_header *header, enum wire_type type, uint32_t sequence,
                uint64_t generation, uint64_t epoch, const void *body, uint32_t size)
{
	assert(size <= WIRE_BODY_MAX);
	*header = (struct wire_header){
		.magic = WIRE_MAGIC,
		.version = WIRE_VERSION,
		.type = (uint16_t)type,
		.size = size,
		.sequence = sequence,
		.generation = generation,
		.epoch = epoch,
	};
	header->sum = sum_of(header, body);
}

uint64_t wire_digest_add(uint64_t digest, uint64_t sum)
{
	return XXH3_64bits_withSeed(&sum, sizeof(sum), digest);
}

struct frame_reader *frame_reader_new(uint32_t body_max)
{
	size_t bytes = 2 * (HEADER_BYTES + body_max);
	struct frame_reader *reader;

	assert(body_max <= WIRE_BODY_MAX);
	reader = malloc(sizeof(*reader) + bytes);
	if (!reader)
		return NULL;
	memset(reader, 0, sizeof(*reader));
	reader->body_max = body_max;
	reader->bytes = bytes;
	return reader;
}

void frame_reader_free(struct frame_reader *reader)
{
	free(reader);
}

/* What is there is at most one frame that is not whole when its taker has asked for all that were: the half that it
 * moves from is free. */
uint8_t *frame_reader_room(struct frame_reader *reader, size_t *size)
{
	size_t held = reader->end - reader->first;

	if (held == 0 || reader->first >= reader->bytes / 2) {
		memmove(reader->memory, reader->memory + reader->first, held);
		reader->first = 0;
		reader->end = held;
	}
	*size = reader->bytes - reader->end;
	return reader->memory + reader->end;
}

void frame_reader_filled(struct frame_reader *reader, size_t size)
{
	assert(size <= reader->bytes - reader->end);
	reader->end += size;
}

static int fail(struct frame_reader *reader, int error, const char *why)
{
	reader->error = error;
	reader->why = why;
	return error;
}

/* What can be said before the body has come. */
static int check_header(struct frame_reader *reader, const struct wire_header *header)
{
	bool is_any_version = header->type == WIRE_HELLO || header->type == WIRE_BYE;

	if (header->magic != WIRE_MAGIC)
		return fail(reader, -EPROTO, "not a frame");
	if (header->version != WIRE_VERSION && !is_any_version)
		return fail(reader, -EPROTONOSUPPORT, "a frame of another version");
	if (header->size > reader->body_max)
		return fail(reader, -EPROTO, "a frame larger than agreed");
	if (header->type == 0 || header->type >= WIRE_TYPES)
		return fail(reader, -EPROTO, "a frame of unknown type");
	if (header->sequence != (header->type == WIRE_KEEPALIVE ? 0 : reader->sequence))
		return fail(reader, -EPROTO, "a frame out of sequence");
	return 0;
}

static int next_frame(struct frame_reader *reader, struct frame *frame)
{
	size_t held = reader->end - reader->first;
	const uint8_t *bytes = reader->memory + reader->first;
	struct wire_header header;
	int err;

	if (held < HEADER_BYTES)
		return 0;
	memcpy(&header, bytes, HEADER_BYTES);
	err = check_header(reader, &header);
	if (err || held - HEADER_BYTES < header.size)
		return err;
	if (sum_of(&header, bytes + HEADER_BYTES) != header.sum)
		return fail(reader, -EBADMSG, "a frame with a wrong sum");
	*frame = (struct frame){
		.type = header.type,
		.generation = header.generation,
		.epoch = header.epoch,
		.sum = header.sum,
		.body = bytes + HEADER_BYTES,
		.size = header.size,
	};
	reader->first += HEADER_BYTES + header.size;
	if (frame->type != WIRE_KEEPALIVE)
		reader->sequence++;
	return 1;
}

int frame_reader_next(struct frame_reader *reader, struct frame *frame, const char **why)
{
	int result = reader->error ? reader->error : next_frame(reader, frame);

	if (result < 0)
		*why = reader->why;
	return result;
}

bool frame_reader_is_between(const struct frame_reader *reader)
{
	return reader->first == reader->end;
}
