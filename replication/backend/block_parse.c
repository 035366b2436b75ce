/* What a block frontend asks for: a ring slot becomes one request, or is refused. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/backend/block_parse.h"

#include <errno.h>
#include <string.h>

#include <stdint.h>

#include <xen/xen.h>
#include <xen/io/blkif.h>
#include <xen/io/protocols.h>

#define SECTORS_A_PAGE 8u

/* In every layout: the operation first, then what counts or qualifies. */
#define OFFSET_CODE           0
#define OFFSET_COUNT          1
#define OFFSET_INDIRECT_CODE  1
#define OFFSET_INDIRECT_COUNT 2

/* A segment is the same everywhere: reference, first, last, two bytes of padding. */
#define SEGMENT_BYTES 8u

static const struct block_layout layouts[] = {
	{
		.protocol = XEN_IO_PROTO_ABI_X86_64,
		.slot_bytes = 112,
		.response_bytes = 16,
		.id = 8,
		.sector = 16,
		.segments = 24,
		.discard_sectors = 24,
		.indirect_refs = 28,
		.response_op = 8,
		.response_status = 10,
	},
	/* Compilers for i386 align 64-bit numbers to 4 bytes. */
	{
		.protocol = XEN_IO_PROTO_ABI_X86_32,
		.slot_bytes = 108,
		.response_bytes = 12,
		.id = 4,
		.sector = 12,
		.segments = 20,
		.discard_sectors = 20,
		.indirect_refs = 24,
		.response_op = 8,
		.response_status = 10,
	},
};

_Static_assert(sizeof(struct blkif_request) == 112 && sizeof(struct blkif_response) == 16 &&
                       offsetof(struct blkif_request, seg) == 24 &&
                       offsetof(struct blkif_request_discard, nr_sectors) == 24 &&
                       offsetof(struct blkif_request_indirect, indirect_grefs) == 28 &&
                       sizeof(struct blkif_request_segment) == SEGMENT_BYTES,
               "the layout of 64 bits is that of this compiler");

const struct block_layout *block_layout(const char *protocol)
{
	if (!protocol)
		return &layouts[0];
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
		if (strcmp(layouts[i].protocol, protocol) == 0)
			return &layouts[i];
	}
	return NULL;
}

static uint64_t read64(const uint8_t *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static uint32_t read32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static int refuse(const char **why, const char *text)
{
	*why = text;
	return -EPROTO;
}

static int parse_segments(const uint8_t *from, struct block_request *request, const char **why)
{
	for (unsigned int i = 0; i < request->segment_count; i++, from += SEGMENT_BYTES) {
		struct block_segment segment = { read32(from), from[4], from[5] };

		if (segment.first > segment.last || segment.last >= SECTORS_A_PAGE)
			return refuse(why, "segment beyond its page");
		request->segments[i] = segment;
		request->sectors += segment.last - segment.first + 1u;
	}
	return 0;
}

static int parse_direct(const struct block_layout *layout, const uint8_t *slot,
                        struct block_request *request, const char **why)
{
	request->segment_count = slot[OFFSET_COUNT];
	if (request->segment_count > BLKIF_MAX_SEGMENTS_PER_REQUEST)
		return refuse(why, "more segments than a request holds");
	if (request->segment_count == 0 && request->op != BLOCK_FLUSH)
		return refuse(why, "request without segments");
	return parse_segments(slot + layout->segments, request, why);
}

static int parse_indirect_head(const struct block_layout *layout, const uint8_t *slot,
                               struct block_request *request, const char **why)
{
	uint8_t code = slot[OFFSET_INDIRECT_CODE];
	uint16_t count = (uint16_t)(read32(slot) >> 16);

	if (code != BLKIF_OP_READ && code != BLKIF_OP_WRITE)
		return refuse(why, "indirect request that neither reads nor writes");
	if (count == 0 || count > BLOCK_SEGMENTS_MAX)
		return refuse(why, "indirect request of too many segments or none");
	request->op = code == BLKIF_OP_READ ? BLOCK_READ : BLOCK_WRITE;
	request->code = code; /* what the frontend expects in the response */
	request->is_indirect = true;
	request->segment_count = count;
	request->indirect_ref = read32(slot + layout->indirect_refs);
	return 0;
}

int block_parse(const struct block_layout *layout, const void *slot, struct block_request *request,
                const char **why)
{
	const uint8_t *bytes = slot;

	request->code = bytes[OFFSET_CODE];
	request->id = read64(bytes + layout->id);
	request->sector = read64(bytes + layout->sector);
	request->sectors = 0;
	request->segment_count = 0;
	request->is_indirect = false;
	switch (request->code) {
	case BLKIF_OP_READ:
		request->op = BLOCK_READ;
		return parse_direct(layout, bytes, request, why);
	case BLKIF_OP_WRITE:
		request->op = BLOCK_WRITE;
		return parse_direct(layout, bytes, request, why);
	case BLKIF_OP_FLUSH_DISKCACHE:
		request->op = BLOCK_FLUSH;
		return parse_direct(layout, bytes, request, why);
	case BLKIF_OP_DISCARD:
		request->op = BLOCK_DISCARD;
		request->sectors = read64(bytes + layout->discard_sectors);
		return 0;
	case BLKIF_OP_INDIRECT:
		return parse_indirect_head(layout, bytes, request, why);
	case BLKIF_OP_WRITE_BARRIER:
	case BLKIF_OP_RESERVED_1:
		request->op = BLOCK_UNSUPPORTED;
		return 0;
	default:
		return refuse(why, "unknown operation");
	}
}

size_t block_indirect_bytes(const struct block_request *request)
{
	return (size_t)request->segment_count * SEGMENT_BYTES;
}

int block_parse_indirect(const void *page, struct block_request *request, const char **why)
{
	return parse_segments(page, request, why);
}

bool block_is_within(const struct block_request *request, uint64_t disk_sectors)
{
	/* A flush without data has no place, whatever its sector says. */
	return request->sectors == 0 || (request->sectors <= disk_sectors &&
	                                 request->sector <= disk_sectors - request->sectors);
}

static bool changes(const struct block_request *request)
{
	return request->op == BLOCK_WRITE || request->op == BLOCK_DISCARD ||
	       (request->op == BLOCK_FLUSH && request->sectors);
}

bool block_must_follow(const struct block_request *later, const struct block_request *earlier)
{
	if (later->op == BLOCK_FLUSH)
		return changes(earlier);
	return (changes(later) || changes(earlier)) &&
	       later->sector < earlier->sector + earlier->sectors &&
	       earlier->sector < later->sector + later->sectors;
}

void block_response(const struct block_layout *layout, const struct block_request *request,
                    int16_t status, void *response)
{
	uint8_t *bytes = response;

	memset(bytes, 0, layout->response_bytes);
	memcpy(bytes, &request->id, sizeof(request->id));
	bytes[layout->response_op] = request->code;
	memcpy(bytes + layout->response_status, &status, sizeof(status));
}
