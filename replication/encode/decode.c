/* The other end of encode.h: what a page of a batch becomes on the standby. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <string.h>

#include <lz4.h>

#include "replication/encode/decode.h"
#include "replication/encode/lines.h"

#define MASK_BYTES sizeof(uint64_t)

/* A block that must give exactly that many bytes. */
static int decompress(const uint8_t *block, uint32_t size, uint8_t *to, uint32_t bytes)
{
	int given = LZ4_decompress_safe((const char *)block, (char *)to, (int)size, (int)bytes);

	return given == (int)bytes ? 0 : -EPROTO;
}

static int decode_lines(const uint8_t *payload, uint8_t *page)
{
	uint64_t mask;

	memcpy(&mask, payload, MASK_BYTES);
	lines_unpack(page, mask, payload + MASK_BYTES);
	return 0;
}

static int decode_lines_lz4(const uint8_t *payload, uint32_t size, uint8_t *page)
{
	uint8_t packed[WIRE_PAGE_SIZE];
	uint64_t mask;
	uint32_t bytes;
	int err;

	memcpy(&mask, payload, MASK_BYTES);
	bytes = (uint32_t)__builtin_popcountll(mask) * WIRE_LINE_SIZE;
	err = decompress(payload + MASK_BYTES, size - (uint32_t)MASK_BYTES, packed, bytes);
	if (!err)
		lines_unpack(page, mask, packed);
	return err;
}

static uint32_t reference(const uint8_t *payload)
{
	uint32_t index;

	memcpy(&index, payload, sizeof(index));
	return index;
}

int decode_page(const struct page_batch *batch, uint32_t index, uint8_t *page)
{
	const uint8_t *payload = batch->payload[index];
	uint32_t size = page_entry_size(batch->entry[index]);

	switch ((enum wire_page)page_entry_how(batch->entry[index])) {
	case WIRE_PAGE_ABSENT:
		return 1;
	case WIRE_PAGE_ZERO:
		memset(page, 0, WIRE_PAGE_SIZE);
		return 0;
	case WIRE_PAGE_LINES:
		return decode_lines(payload, page);
	case WIRE_PAGE_LZ4:
		return decompress(payload, size, page, WIRE_PAGE_SIZE);
	case WIRE_PAGE_WHOLE:
		memcpy(page, payload, WIRE_PAGE_SIZE);
		return 0;
	case WIRE_PAGE_SAME: /* of one that is LZ4 or whole: it goes no deeper */
		return decode_page(batch, reference(payload), page);
	case WIRE_PAGE_LINES_LZ4:
		return decode_lines_lz4(payload, size, page);
	default:
		return -EPROTO;
	}
}

int decode_check(const struct page_batch *batch)
{
	uint8_t page[WIRE_PAGE_SIZE] = { 0 };

	for (uint32_t i = 0; i < batch->count; i++) {
		unsigned int how = page_entry_how(batch->entry[i]);
		int err = 0;

		if (how == WIRE_PAGE_LZ4 || how == WIRE_PAGE_LINES_LZ4)
			err = decode_page(batch, i, page);
		if (err)
			return err;
	}
	return 0;
}
