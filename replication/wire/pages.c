/* A batch of pages: its directory checked once, then each payload found by its index. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "replication/wire/pages.h"

#define MASK_BYTES sizeof(uint64_t)

static uint32_t codec_of(unsigned int how)
{
	switch (how) {
	case WIRE_PAGE_LINES:
		return WIRE_CODEC_LINES;
	case WIRE_PAGE_LZ4:
		return WIRE_CODEC_LZ4;
	case WIRE_PAGE_SAME:
		return WIRE_CODEC_SAME;
	case WIRE_PAGE_LINES_LZ4:
		return WIRE_CODEC_LINES_LZ4;
	default:
		return 0;
	}
}

static uint32_t lines_bytes(const uint8_t *payload)
{
	uint64_t mask;

	memcpy(&mask, payload, MASK_BYTES);
	return (uint32_t)__builtin_popcountll(mask) * WIRE_LINE_SIZE;
}

/* What is compressed is smaller than what it stands for. */
static bool is_lines_lz4(const uint8_t *payload, uint32_t size)
{
	return size > MASK_BYTES && size - MASK_BYTES < lines_bytes(payload);
}

static bool is_reference(const struct page_batch *batch, const uint8_t *payload, uint32_t size,
                         uint32_t before)
{
	unsigned int how;
	uint32_t index;

	if (size != sizeof(index))
		return false;
	memcpy(&index, payload, sizeof(index));
	if (index >= before)
		return false;
	how = page_entry_how(batch->entry[index]);
	return how == WIRE_PAGE_LZ4 || how == WIRE_PAGE_WHOLE;
}

static bool is_payload(const struct page_batch *batch, uint32_t index)
{
	const uint8_t *payload = batch->payload[index];
	uint32_t size = page_entry_size(batch->entry[index]);

	switch (page_entry_how(batch->entry[index])) {
	case WIRE_PAGE_ABSENT:
	case WIRE_PAGE_ZERO:
		return size == 0;
	case WIRE_PAGE_LINES:
		return size >= MASK_BYTES && size == MASK_BYTES + lines_bytes(payload);
	case WIRE_PAGE_LZ4:
		return size > 0 && size < WIRE_PAGE_SIZE;
	case WIRE_PAGE_WHOLE:
		return size == WIRE_PAGE_SIZE;
	case WIRE_PAGE_SAME:
		return is_reference(batch, payload, size, index);
	case WIRE_PAGE_LINES_LZ4:
		return is_lines_lz4(payload, size);
	default:
		return false;
	}
}

static const char *find_fault(const struct page_batch *batch, uint32_t index, uint32_t left,
                              uint64_t memory_pages, uint32_t codecs)
{
	uint64_t entry = batch->entry[index];
	uint32_t codec = codec_of(page_entry_how(entry));

	if (page_entry_how(entry) >= WIRE_PAGE_HOWS || (codec & ~codecs))
		return "a page sent in a way that was not agreed";
	if (page_entry_gfn(entry) >= memory_pages)
		return "a page beyond the VM's memory";
	if (page_entry_size(entry) > left)
		return "a batch of pages that is cut off";
	if (!is_payload(batch, index))
		return "a page whose payload cannot be";
	return NULL;
}

static const char *parse_entries(const uint8_t *body, uint32_t size, uint64_t memory_pages,
                                 uint32_t codecs, struct page_batch *batch)
{
	uint32_t offset = (uint32_t)(sizeof(struct wire_pages) + batch->count * sizeof(uint64_t));
	const char *fault;

	if (offset > size)
		return "a batch of pages that is cut off";
	memcpy(batch->entry, body + sizeof(struct wire_pages), batch->count * sizeof(uint64_t));
	for (uint32_t i = 0; i < batch->count; i++) {
		batch->payload[i] = body + offset;
		fault = find_fault(batch, i, size - offset, memory_pages, codecs);
		if (fault)
			return fault;
		offset += page_entry_size(batch->entry[i]);
	}
	return offset == size ? NULL : "bytes behind a batch of pages";
}

int pages_parse(const uint8_t *body, uint32_t size, uint64_t memory_pages, uint32_t codecs,
                struct page_batch *batch, const char **why)
{
	struct wire_pages head;

	*why = "a batch of pages that is cut off";
	if (size < sizeof(head))
		return -EPROTO;
	memcpy(&head, body, sizeof(head));
	if (head.count == 0 || head.count > WIRE_PAGES_MAX || head.reserved) {
		*why = "a batch with too many pages, or none";
		return -EPROTO;
	}
	batch->count = head.count;
	*why = parse_entries(body, size, memory_pages, codecs, batch);
	return *why ? -EPROTO : 0;
}
