/* A batch of pages: its directory checked once, then each payload found by its index. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_WIRE_PAGES_H
#define REPLICATION_WIRE_PAGES_H

#include "replication/wire/frame.h"

static inline uint64_t page_entry(uint64_t gfn, enum wire_page how, uint32_t size)
{
	return gfn | (uint64_t)how << 40 | (uint64_t)size << 48;
}

static inline uint64_t page_entry_gfn(uint64_t entry)
{
	return entry & (WIRE_GFN_MAX - 1);
}

static inline unsigned int page_entry_how(uint64_t entry)
{
	return entry >> 40 & 0xff;
}

static inline uint32_t page_entry_size(uint64_t entry)
{
	return (uint32_t)(entry >> 48);
}

/* A batch whose directory was checked. Payloads lie in the body, which must outlive it. */
struct page_batch {
	uint32_t count;
	const uint8_t *payload[WIRE_PAGES_MAX];
	uint64_t entry[WIRE_PAGES_MAX];
};

/*
 * 0, or -EPROTO with *why set. Checked are: gfns below memory_pages, ways that codecs allow, sizes and masks of payloads,
 * references of SAME. What LZ4 makes of a payload shows only when it is decoded (replication/encode/decode.h).
 */
int pages_parse(const uint8_t *body, uint32_t size, uint64_t memory_pages, uint32_t codecs,
                struct page_batch *batch, const char **why);

#endif
