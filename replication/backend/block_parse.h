/* What a block frontend asks for: a ring slot becomes one request, or is refused. */
/* SPDX-License-Identifier: Apache-2.0
 *
 * No I/O and no shared memory here: slots and segment pages are our copies. Everything in them was written by a
 * guest.
 */

#ifndef REPLICATION_BACKEND_BLOCK_PARSE_H
#define REPLICATION_BACKEND_BLOCK_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BLOCK_SECTOR_BYTES 512u

/* Segments of an indirect request: one mebibyte of whole pages, offered as feature-max-indirect-segments. */
#define BLOCK_SEGMENTS_MAX 256u
/* Pages that list them: a page has room for 512. */
#define BLOCK_INDIRECT_PAGES_MAX 1u
#define BLOCK_REQUEST_BYTES_MAX  (BLOCK_SEGMENTS_MAX * 4096u)

/* A request as large as the largest of the layouts below. */
#define BLOCK_SLOT_BYTES_MAX 112u

/* How the frontend's compiler laid out a request: by "protocol" in its xenstore node. */
struct block_layout {
	const char *protocol;
	uint8_t slot_bytes, response_bytes;
	uint8_t id, sector;      /* offsets, in all requests */
	uint8_t segments;        /* in reads and writes */
	uint8_t discard_sectors; /* in discards */
	uint8_t indirect_refs;   /* in indirect requests */
	uint8_t response_op, response_status;
};

/* The layout of that protocol, of ours if protocol is NULL; NULL if unknown. */
const struct block_layout *block_layout(const char *protocol);

enum block_op { BLOCK_READ, BLOCK_WRITE, BLOCK_FLUSH, BLOCK_DISCARD, BLOCK_UNSUPPORTED };

struct block_segment {
	uint32_t ref;
	uint8_t first, last; /* sectors of the page, inclusive */
};

struct block_request {
	enum block_op op;
	uint8_t code; /* BLKIF_OP_*, for the response */
	uint64_t id;
	uint64_t sector, sectors;
	unsigned int segment_count;
	bool is_indirect; /* segments are still to be read from the page of indirect_ref */
	uint32_t indirect_ref;
	struct block_segment segments[BLOCK_SEGMENTS_MAX];
};

/* Read a slot. 0, or -EPROTO with *why set: such a frontend is broken or hostile, and nothing more is
 * taken from it. Bounds of the disk are not checked here. */
int block_parse(const struct block_layout *layout, const void *slot, struct block_request *request,
                const char **why);

/* Bytes of the segment page that the request needs, for block_parse_indirect. */
size_t block_indirect_bytes(const struct block_request *request);

int block_parse_indirect(const void *page, struct block_request *request, const char **why);

/* Whether it lies within a disk of that many sectors. */
bool block_is_within(const struct block_request *request, uint64_t disk_sectors);

/* Whether the order of the two, the earlier outstanding, must be kept: they touch the same sectors and one
 * changes them, or the later is a flush. */
bool block_must_follow(const struct block_request *later, const struct block_request *earlier);

/* Write the response into response, of layout->response_bytes. */
void block_response(const struct block_layout *layout, const struct block_request *request,
                    int16_t status, void *response);

#endif
