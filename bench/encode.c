/* How fast dirty pages become frames and frames pages again, on one CPU, beside memcpy and plain LZ4. */
/* SPDX-License-Identifier: Apache-2.0
 *
 * usage: encode MIB ROUNDS      a line a kind of memory and round:
 *        NAME encode apply memcpy lz4 unlz4 (all in GB of dirty memory a second)  bytes on the wire by 100 dirty ones
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <lz4.h>

#include "replication/encode/decode.h"
#include "replication/encode/encode.h"

#define PAGE WIRE_PAGE_SIZE

struct memory {
	uint32_t batches, pages;
	uint8_t *contents, *old, *standby, *copy;
	uint8_t *bodies; /* ENCODE_BODY_MAX each */
	uint32_t *sizes;
};

static uint64_t seed = 88172645463325252ull;

static uint64_t next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	return seed ^= seed << 17;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* As programs leave it: pointers that resemble each other, small numbers, words. */
static void fill_data(uint8_t *page)
{
	static const char *const words[] = { "index", "name ", "value", "epoch", "table", "row  " };
	uint64_t base = 0x7f0000000000ull | (next_random() & 0xfffff000);

	for (uint32_t at = 0; at < PAGE; at += 16) {
		uint64_t pair[2] = { base + (next_random() & 0xff8), next_random() & 0xff };

		if (next_random() % 3 == 0)
			memcpy(pair, words[next_random() % 6], 5);
		memcpy(page + at, pair, 16);
	}
}

static void fill_noise(uint8_t *page)
{
	for (uint32_t at = 0; at < PAGE; at += 8) {
		uint64_t word = next_random();

		memcpy(page + at, &word, 8);
	}
}

static void change_lines(uint8_t *page, uint32_t lines)
{
	for (uint32_t i = 0; i < lines; i++) {
		uint64_t word = next_random();

		memcpy(page + word % 512 * 8, &word, 8);
	}
}

struct kind {
	const char *name;
	void (*fill)(uint8_t *page);
	int has_old;
	uint32_t changes; /* words of each page */
};

static void fill_zero(uint8_t *page)
{
	memset(page, 0, PAGE);
}

static const struct kind kinds[] = {
	{ "unchanged", fill_data, 1, 0 }, { "1-word", fill_data, 1, 1 },
	{ "4-words", fill_data, 1, 4 },   { "16-words", fill_data, 1, 16 },
	{ "64-words", fill_data, 1, 64 }, { "new-zero", fill_zero, 0, 0 },
	{ "new-data", fill_data, 0, 0 },  { "new-noise", fill_noise, 0, 0 },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void prepare(const struct memory *m, const struct kind *kind)
{
	for (uint32_t i = 0; i < m->pages; i++) {
		uint8_t *page = m->contents + (size_t)i * PAGE;

		kind->fill(page);
		memcpy(m->old + (size_t)i * PAGE, page, PAGE);
		memcpy(m->standby + (size_t)i * PAGE, page, PAGE);
		change_lines(page, kind->changes);
	}
}

static uint64_t encode_all(const struct memory *m, const struct kind *kind, struct encoder *encoder)
{
	struct encode_counts counts = { 0 };
	struct encode_page pages[WIRE_PAGES_MAX];

	for (uint32_t b = 0; b < m->batches; b++) {
		for (uint32_t i = 0; i < WIRE_PAGES_MAX; i++) {
			size_t gfn = (size_t)b * WIRE_PAGES_MAX + i;

			pages[i].gfn = gfn;
			pages[i].contents = m->contents + gfn * PAGE;
			pages[i].old = kind->has_old ? m->old + gfn * PAGE : NULL;
		}
		m->sizes[b] = encode_batch(encoder, pages, WIRE_PAGES_MAX,
		                           m->bodies + b * ENCODE_BODY_MAX, &counts);
	}
	return counts.bytes;
}

/* All that a standby does to it: look through it, prove it, apply it. */
static void apply_all(const struct memory *m)
{
	static struct page_batch batch;
	const char *why;

	for (uint32_t b = 0; b < m->batches; b++) {
		const uint8_t *body = m->bodies + b * ENCODE_BODY_MAX;

		if (m->sizes[b] == 0)
			continue;
		if (pages_parse(body, m->sizes[b], m->pages, WIRE_CODECS, &batch, &why) ||
		    decode_check(&batch))
			abort();
		for (uint32_t i = 0; i < batch.count; i++)
			decode_page(&batch, i, m->standby + page_entry_gfn(batch.entry[i]) * PAGE);
	}
}

static void lz4_all(const struct memory *m)
{
	for (uint32_t i = 0; i < m->pages; i++)
		m->sizes[i] = (uint32_t)LZ4_compress_default(
			(const char *)m->contents + (size_t)i * PAGE,
			(char *)m->bodies + (size_t)i * LZ4_COMPRESSBOUND(PAGE), PAGE,
			LZ4_COMPRESSBOUND(PAGE));
}

static void unlz4_all(const struct memory *m)
{
	for (uint32_t i = 0; i < m->pages; i++) {
		if (LZ4_decompress_safe(
			    (const char *)m->bodies + (size_t)i * LZ4_COMPRESSBOUND(PAGE),
			    (char *)m->copy + (size_t)i * PAGE, (int)m->sizes[i], PAGE) != PAGE)
			abort();
	}
}

static void measure(const struct memory *m, const struct kind *kind, struct encoder *encoder)
{
	double bytes = (double)m->pages * PAGE, t[6];
	uint64_t sent;

	prepare(m, kind);
	t[0] = now();
	sent = encode_all(m, kind, encoder);
	t[1] = now();
	apply_all(m);
	t[2] = now();
	if (memcmp(m->standby, m->contents, (size_t)m->pages * PAGE) != 0)
		abort();
	t[3] = now();
	for (uint32_t b = 0; b < m->batches; b++)
		memcpy(m->copy + (size_t)b * WIRE_PAGES_MAX * PAGE,
		       m->contents + (size_t)b * WIRE_PAGES_MAX * PAGE, WIRE_PAGES_MAX * PAGE);
	t[4] = now();
	lz4_all(m);
	t[5] = now();
	unlz4_all(m);
	printf("%s %.3f %.3f %.3f %.3f %.3f %.2f\n", kind->name, bytes / (t[1] - t[0]) / 1e9,
	       bytes / (t[2] - t[1]) / 1e9, bytes / (t[4] - t[3]) / 1e9,
	       bytes / (t[5] - t[4]) / 1e9, bytes / (now() - t[5]) / 1e9,
	       100.0 * (double)sent / bytes);
}

/* Touched, so that no round pays for the kernel's first look at it. */
static uint8_t *take(size_t bytes)
{
	uint8_t *memory = malloc(bytes);

	if (!memory)
		abort();
	memset(memory, 1, bytes);
	return memory;
}

int main(int argc, char **argv)
{
	uint32_t mib = argc > 1 ? (uint32_t)atoi(argv[1]) : 64;
	int rounds = argc > 2 ? atoi(argv[2]) : 5;
	struct encoder *encoder = encoder_new(WIRE_CODECS);
	struct memory m = { .batches = mib, .pages = mib * WIRE_PAGES_MAX };
	size_t bytes = (size_t)m.pages * PAGE;

	m.contents = take(bytes);
	m.old = take(bytes);
	m.standby = take(bytes);
	m.copy = take(bytes);
	m.bodies = take((size_t)m.pages * LZ4_COMPRESSBOUND(PAGE));
	m.sizes = (uint32_t *)(void *)take(m.pages * sizeof(*m.sizes));
	for (int round = 0; round < rounds; round++) {
		for (size_t i = 0; i < KINDS; i++)
			measure(&m, &kinds[i], encoder);
	}
	return 0;
}
