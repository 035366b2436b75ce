/* Feeds a peer's bytes to the decoder of pages; and bytes as memory to the encoder, whose output must decode to them. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/encode/encode.c replication/encode/decode.c replication/encode/lines.c replication/wire/pages.c */
/* libs: -llz4 -lxxhash */

#include <stdlib.h>
#include <string.h>

#include "replication/encode/decode.h"
#include "replication/encode/encode.h"

#define MEMORY_PAGES 1000u
#define PAGES        4u

static struct page_batch batch;

/* Decoding does as it was checked to do, twice alike. */
static void decode_twice(uint32_t index, int may_fail)
{
	uint8_t first[WIRE_PAGE_SIZE] = { 1 }, second[WIRE_PAGE_SIZE];
	int result = decode_page(&batch, index, first);

	if (result < 0 && !may_fail)
		abort();
	memcpy(second, first, sizeof(first));
	if (decode_page(&batch, index, second) != result ||
	    (result == 0 && memcmp(first, second, sizeof(first)) != 0))
		abort();
}

static void decode_foreign(const uint8_t *data, size_t size)
{
	uint8_t *body = malloc(size);
	const char *why;

	memcpy(body, data, size);
	if (pages_parse(body, (uint32_t)size, MEMORY_PAGES, WIRE_CODECS, &batch, &why) == 0) {
		int err = decode_check(&batch);

		for (uint32_t i = 0; i < batch.count; i++)
			decode_twice(i, err);
	}
	free(body);
}

static void there_and_back(const uint8_t *data, size_t size)
{
	static uint8_t contents[PAGES][WIRE_PAGE_SIZE], old[PAGES][WIRE_PAGE_SIZE];
	static uint8_t body[ENCODE_BODY_MAX];
	static struct encoder *encoder;
	struct encode_counts counts = { 0 };
	struct encode_page pages[PAGES];
	uint32_t bytes, done = 0;
	const char *why;

	if (!encoder)
		encoder = encoder_new(WIRE_CODECS);
	for (uint32_t n = 0; n < PAGES; n++) {
		for (uint32_t i = 0; i < WIRE_PAGE_SIZE; i++) {
			contents[n][i] = data[(i + n / 2 * 8) % size];
			old[n][i] = n % 2 ? data[(i * 2 + n) % size] : contents[n][i];
		}
		old[n][data[0] * 16u] ^= data[size - 1];
		pages[n] = (struct encode_page){ .gfn = n,
			                         .contents = contents[n],
			                         .old = data[size - 1] >> n & 1 ? old[n] : NULL };
	}
	bytes = encode_batch(encoder, pages, PAGES, body, &counts);
	if (bytes &&
	    (pages_parse(body, bytes, PAGES, WIRE_CODECS, &batch, &why) || decode_check(&batch)))
		abort();
	for (uint32_t i = 0; bytes && i < batch.count; i++) {
		uint64_t gfn = page_entry_gfn(batch.entry[i]);

		if (decode_page(&batch, i, old[gfn]) ||
		    memcmp(old[gfn], contents[gfn], WIRE_PAGE_SIZE) != 0)
			abort();
		done++;
	}
	if (done + counts.unchanged != PAGES)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	decode_foreign(data, size);
	there_and_back(data, size);
	return 0;
}
