/* Feeds a slot, and a page of indirect segments, to the parser of block requests in both layouts. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/backend/block_parse.c */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "replication/backend/block_parse.h"

#define DISK_SECTORS 100000u

static void check(const struct block_request *request)
{
	uint64_t sectors = 0;

	if (request->segment_count > BLOCK_SEGMENTS_MAX)
		abort();
	for (unsigned int i = 0; i < request->segment_count; i++) {
		if (request->segments[i].first > request->segments[i].last ||
		    request->segments[i].last > 7)
			abort();
		sectors += request->segments[i].last - request->segments[i].first + 1u;
	}
	if (request->op != BLOCK_DISCARD && sectors != request->sectors)
		abort();
	if (block_is_within(request, DISK_SECTORS) && request->sectors &&
	    (request->sector >= DISK_SECTORS || request->sectors > DISK_SECTORS - request->sector))
		abort();
}

static void parse(const struct block_layout *layout, const uint8_t *slot, const uint8_t *page,
                  size_t bytes)
{
	static struct block_request request;
	uint8_t response[16];
	const char *why;

	if (block_parse(layout, slot, &request, &why))
		return;
	if (request.is_indirect) {
		if (block_indirect_bytes(&request) > 4096)
			abort();
		if (block_indirect_bytes(&request) > bytes ||
		    block_parse_indirect(page, &request, &why))
			return;
	}
	check(&request);
	block_response(layout, &request, 0, response);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t slot[BLOCK_SLOT_BYTES_MAX] = { 0 };
	size_t bytes = size < sizeof(slot) ? size : sizeof(slot);

	memcpy(slot, data, bytes);
	parse(block_layout(NULL), slot, data + bytes, size - bytes);
	parse(block_layout("x86_32-abi"), slot, data + bytes, size - bytes);
	return 0;
}
