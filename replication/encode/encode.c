/* A batch of dirty pages becomes the body of a frame: each page in the cheapest way the peer can read. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <lz4.h>
#include <xxhash.h>

#include "replication/encode/encode.h"
#include "replication/encode/lines.h"
#include "replication/wire/pages.h"

/* Up to so many lines, compressing them costs more time than it saves bytes. */
#define LINES_RAW_MAX 12u
/* From so many on, the page as a whole may be the same as another. */
#define LINES_MAX 56u
/* A page that LZ4 makes no smaller than that is not worth the time of taking it apart again. */
#define LZ4_WORTH (WIRE_PAGE_SIZE - WIRE_PAGE_SIZE / 8)
/* LZ4 looks less hard for matches: twice as fast for about a twentieth more bytes. */
#define LZ4_ACCELERATION 4

#define SLOTS (2u * WIRE_PAGES_MAX)

struct encoder {
	uint32_t codecs;
	LZ4_stream_t *lz4;
	/* Of the batch under way: pages that others may be the same as, by hash. */
	struct {
		uint64_t hash;
		const uint8_t *contents; /* NULL: a free slot */
		uint32_t index;          /* in the directory */
	} slots[SLOTS];
	uint8_t packed[WIRE_PAGE_SIZE];
};

/* Where the batch stands. */
struct output {
	uint64_t entries[WIRE_PAGES_MAX];
	uint32_t count;
	uint8_t *payload; /* of the next page */
};

struct encoder *encoder_new(uint32_t codecs)
{
	struct encoder *encoder = calloc(1, sizeof(*encoder));

	if (!encoder)
		return NULL;
	encoder->codecs = codecs;
	encoder->lz4 = LZ4_createStream();
	if (!encoder->lz4) {
		free(encoder);
		return NULL;
	}
	return encoder;
}

void encoder_free(struct encoder *encoder)
{
	if (!encoder)
		return;
	LZ4_freeStream(encoder->lz4);
	free(encoder);
}

/* A block that stands for itself; 0 if it would be larger than room. A stream that was reset needs no table cleared,
 * which is half of the work on a page. */
static uint32_t compress(struct encoder *encoder, const uint8_t *bytes, uint32_t size, uint8_t *to,
                         uint32_t room)
{
	LZ4_resetStream_fast(encoder->lz4);
	return (uint32_t)LZ4_compress_fast_continue(encoder->lz4, (const char *)bytes, (char *)to,
	                                            (int)size, (int)room, LZ4_ACCELERATION);
}

static void put(struct output *out, uint64_t gfn, enum wire_page how, uint32_t size)
{
	out->entries[out->count++] = page_entry(gfn, how, size);
	out->payload += size;
}

/* Finds a page of the same contents, or remembers this one as the next entry. */
static bool find_same(struct encoder *encoder, const struct output *out, const uint8_t *contents,
                      uint32_t *index)
{
	uint64_t hash = XXH3_64bits(contents, WIRE_PAGE_SIZE);
	uint32_t slot = (uint32_t)(hash % SLOTS);

	for (; encoder->slots[slot].contents; slot = (slot + 1) % SLOTS) {
		if (encoder->slots[slot].hash == hash &&
		    memcmp(encoder->slots[slot].contents, contents, WIRE_PAGE_SIZE) == 0) {
			*index = encoder->slots[slot].index;
			return true;
		}
	}
	encoder->slots[slot].hash = hash;
	encoder->slots[slot].contents = contents;
	encoder->slots[slot].index = out->count;
	return false;
}

static enum wire_page put_whole(struct encoder *encoder, struct output *out,
                                const struct encode_page *page)
{
	uint32_t size, index;

	if ((encoder->codecs & WIRE_CODEC_SAME) &&
	    find_same(encoder, out, page->contents, &index)) {
		memcpy(out->payload, &index, sizeof(index));
		put(out, page->gfn, WIRE_PAGE_SAME, sizeof(index));
		return WIRE_PAGE_SAME;
	}
	if (encoder->codecs & WIRE_CODEC_LZ4) {
		size = compress(encoder, page->contents, WIRE_PAGE_SIZE, out->payload, LZ4_WORTH);
		if (size) {
			put(out, page->gfn, WIRE_PAGE_LZ4, size);
			return WIRE_PAGE_LZ4;
		}
	}
	memcpy(out->payload, page->contents, WIRE_PAGE_SIZE);
	put(out, page->gfn, WIRE_PAGE_WHOLE, WIRE_PAGE_SIZE);
	return WIRE_PAGE_WHOLE;
}

static enum wire_page put_lines(struct encoder *encoder, struct output *out,
                                const struct encode_page *page, uint64_t mask)
{
	uint32_t lines = (uint32_t)__builtin_popcountll(mask);
	uint32_t bytes = lines * WIRE_LINE_SIZE, size = 0;

	memcpy(out->payload, &mask, sizeof(mask));
	if (lines > LINES_RAW_MAX && (encoder->codecs & WIRE_CODEC_LINES_LZ4)) {
		lines_pack(page->contents, mask, encoder->packed);
		size = compress(encoder, encoder->packed, bytes, out->payload + sizeof(mask),
		                bytes - bytes / 8);
	}
	if (size) {
		put(out, page->gfn, WIRE_PAGE_LINES_LZ4, (uint32_t)sizeof(mask) + size);
		return WIRE_PAGE_LINES_LZ4;
	}
	lines_pack(page->contents, mask, out->payload + sizeof(mask));
	put(out, page->gfn, WIRE_PAGE_LINES, (uint32_t)sizeof(mask) + bytes);
	return WIRE_PAGE_LINES;
}

static void put_page(struct encoder *encoder, struct output *out, const struct encode_page *page,
                     struct encode_counts *counts)
{
	uint64_t mask = ~0ull;
	enum wire_page how;

	if (page->old && page->contents && (encoder->codecs & WIRE_CODEC_LINES)) {
		mask = lines_changed(page->contents, page->old);
		if (!mask) {
			counts->unchanged++;
			return;
		}
	}
	if (!page->contents) {
		how = WIRE_PAGE_ABSENT;
		put(out, page->gfn, how, 0);
	} else if (lines_are_zero(page->contents)) {
		how = WIRE_PAGE_ZERO;
		put(out, page->gfn, how, 0);
	} else if ((uint32_t)__builtin_popcountll(mask) <= LINES_MAX) {
		how = put_lines(encoder, out, page, mask);
	} else {
		how = put_whole(encoder, out, page);
	}
	counts->pages[how]++;
}

/* Pages that have not changed leave their place in the directory free: payloads move up to it. */
static uint32_t close_gap(const struct output *out, uint8_t *body, uint8_t *payloads)
{
	size_t directory = out->count * sizeof(uint64_t);
	size_t size = (size_t)(out->payload - payloads);
	uint8_t *end = body + sizeof(struct wire_pages) + directory;
	struct wire_pages head = { .count = out->count };

	memcpy(body, &head, sizeof(head));
	memcpy(body + sizeof(head), out->entries, directory);
	if (end != payloads)
		memmove(end, payloads, size);
	return (uint32_t)(sizeof(head) + directory + size);
}

uint32_t encode_batch(struct encoder *encoder, const struct encode_page *pages, uint32_t count,
                      uint8_t *body, struct encode_counts *counts)
{
	uint8_t *payloads = body + sizeof(struct wire_pages) + count * sizeof(uint64_t);
	struct output out = { .payload = payloads };
	uint32_t size;

	assert(count <= WIRE_PAGES_MAX);
	memset(encoder->slots, 0, sizeof(encoder->slots));
	for (uint32_t i = 0; i < count; i++)
		put_page(encoder, &out, &pages[i], counts);
	if (out.count == 0)
		return 0;
	size = close_gap(&out, body, payloads);
	counts->bytes += size;
	return size;
}
