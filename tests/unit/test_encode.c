/* Pages encoded and decoded: each way of sending one, mixtures of them, twice over, and payloads that cannot be. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/encode/encode.c replication/encode/decode.c replication/encode/lines.c replication/wire/pages.c */
/* libs: -llz4 -lxxhash */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "replication/encode/decode.h"
#include "replication/encode/encode.h"
#include "replication/encode/lines.h"

#define PAGE         WIRE_PAGE_SIZE
#define PAGES        WIRE_PAGES_MAX
#define MEMORY_PAGES 100000u

struct fixture {
	struct encoder *encoder;
	struct encode_counts counts;
	struct encode_page pages[PAGES];
	struct page_batch batch;
	uint32_t size;
	uint8_t contents[PAGES][PAGE];
	uint8_t old[PAGES][PAGE];
	uint8_t standby[PAGES][PAGE];
	uint8_t body[ENCODE_BODY_MAX];
};

static uint64_t seed = 1;

static uint32_t random_below(uint32_t bound)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(seed >> 33) % bound;
}

static void fill_noise(uint8_t *bytes, uint32_t size)
{
	for (uint32_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)random_below(256);
}

static void fill_text(uint8_t *bytes, uint32_t size)
{
	for (uint32_t i = 0; i < size; i++)
		bytes[i] = (uint8_t) "the quick brown fox "[(i + i / 700) % 20];
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->encoder = encoder_new(WIRE_CODECS);
	for (uint32_t i = 0; i < PAGES; i++)
		f->pages[i] = (struct encode_page){ .gfn = 1000 + i, .contents = f->contents[i] };
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	encoder_free(f->encoder);
	free(f);
	return 0;
}

static void encode(struct fixture *f, uint32_t count)
{
	const char *why;

	f->size = encode_batch(f->encoder, f->pages, count, f->body, &f->counts);
	if (f->size)
		assert_int_equal(pages_parse(f->body, f->size, MEMORY_PAGES, WIRE_CODECS, &f->batch,
		                             &why),
		                 0);
}

/* Applies the batch to what the standby had, and compares with what the primary has. */
static void decode(struct fixture *f)
{
	assert_int_equal(decode_check(&f->batch), 0);
	for (uint32_t i = 0; i < f->batch.count; i++) {
		uint32_t n = (uint32_t)page_entry_gfn(f->batch.entry[i]) - 1000;
		int result = decode_page(&f->batch, i, f->standby[n]);

		assert_int_equal(result, f->pages[n].contents ? 0 : 1);
		if (result == 0)
			assert_memory_equal(f->standby[n], f->pages[n].contents, PAGE);
	}
}

static void give_old(struct fixture *f, uint32_t n)
{
	memcpy(f->old[n], f->contents[n], PAGE);
	memcpy(f->standby[n], f->contents[n], PAGE);
	f->pages[n].old = f->old[n];
}

static void assert_way(struct fixture *f, enum wire_page how)
{
	encode(f, 1);
	assert_int_equal(f->batch.count, 1);
	assert_int_equal(page_entry_how(f->batch.entry[0]), how);
	decode(f);
}

static void each_page_goes_the_cheapest_way(void **state)
{
	struct fixture *f = *state;

	assert_way(f, WIRE_PAGE_ZERO);
	f->contents[0][4095] = 1;
	assert_way(f, WIRE_PAGE_LZ4);
	fill_noise(f->contents[0], PAGE);
	assert_way(f, WIRE_PAGE_WHOLE);
	f->pages[0].contents = NULL;
	assert_way(f, WIRE_PAGE_ABSENT);
	f->pages[0].contents = f->contents[0];
	give_old(f, 0);
	f->contents[0][64 * 7] ^= 1;
	f->contents[0][64 * 63 + 63] ^= 1;
	assert_way(f, WIRE_PAGE_LINES);
	assert_int_equal(page_entry_size(f->batch.entry[0]), 8 + 2 * 64);
	fill_text(f->contents[0] + 64, 40 * 64);
	give_old(f, 0);
	for (uint32_t i = 1; i < 30; i++)
		f->contents[0][64 * i] ^= 1;
	assert_way(f, WIRE_PAGE_LINES_LZ4);
	memset(f->contents[0], 0, PAGE);
	assert_way(f, WIRE_PAGE_ZERO);
}

static void the_same_page_goes_once(void **state)
{
	struct fixture *f = *state;

	fill_noise(f->contents[0], PAGE);
	for (uint32_t i = 1; i < PAGES; i++)
		memcpy(f->contents[i], f->contents[0], PAGE);
	encode(f, PAGES);
	assert_int_equal(f->counts.pages[WIRE_PAGE_WHOLE], 1);
	assert_int_equal(f->counts.pages[WIRE_PAGE_SAME], PAGES - 1);
	decode(f);
	/* The next batch knows nothing of this one. */
	encode(f, 1);
	assert_int_equal(page_entry_how(f->batch.entry[0]), WIRE_PAGE_WHOLE);
}

static void what_did_not_change_is_not_sent(void **state)
{
	struct fixture *f = *state;

	for (uint32_t i = 0; i < 10; i++) {
		fill_noise(f->contents[i], PAGE);
		give_old(f, i);
	}
	encode(f, 10);
	assert_int_equal(f->size, 0);
	assert_int_equal(f->counts.unchanged, 10);
	f->contents[3][5]++;
	encode(f, 10);
	assert_int_equal(f->batch.count, 1);
	assert_int_equal(page_entry_gfn(f->batch.entry[0]), 1003);
	assert_int_equal(f->size, 8 + 8 + 8 + 64);
	decode(f);
}

static void change_one(struct fixture *f, uint32_t n)
{
	uint32_t lines = random_below(65);

	f->pages[n].contents = f->contents[n];
	f->pages[n].old = NULL;
	switch (random_below(6)) {
	case 0:
		fill_noise(f->contents[n], PAGE);
		break;
	case 1:
		fill_text(f->contents[n], PAGE);
		break;
	case 2:
		memset(f->contents[n], 0, PAGE);
		break;
	case 3:
		f->pages[n].contents = NULL;
		return;
	default:
		fill_text(f->contents[n], random_below(PAGE));
	}
	if (random_below(4) == 0)
		return;
	give_old(f, n);
	for (uint32_t i = 0; i < lines; i++)
		f->contents[n][random_below(PAGE)] ^= (uint8_t)random_below(256);
}

static void mixtures_arrive_and_applying_twice_is_harmless(void **state)
{
	struct fixture *f = *state;

	for (uint32_t round = 0; round < 60; round++) {
		uint32_t count = 1 + random_below(PAGES);

		for (uint32_t i = 0; i < count; i++)
			change_one(f, i);
		encode(f, count);
		if (!f->size)
			continue;
		decode(f);
		decode(f);
	}
	for (uint32_t how = 0; how < WIRE_PAGE_HOWS; how++)
		assert_true(f->counts.pages[how] > 0);
	assert_true(f->counts.unchanged > 0);
}

static void the_worst_batch_fits(void **state)
{
	struct fixture *f = *state;

	for (uint32_t i = 0; i < PAGES; i++)
		fill_noise(f->contents[i], PAGE);
	encode(f, PAGES);
	assert_int_equal(f->size, ENCODE_BODY_MAX);
	decode(f);
}

/* A peer that reads nothing but whole pages gets nothing else. */
static void only_agreed_ways_are_used(void **state)
{
	struct fixture *f = *state;
	const char *why;

	encoder_free(f->encoder);
	f->encoder = encoder_new(0);
	for (uint32_t i = 0; i < PAGES; i++)
		change_one(f, i);
	f->size = encode_batch(f->encoder, f->pages, PAGES, f->body, &f->counts);
	assert_int_equal(pages_parse(f->body, f->size, MEMORY_PAGES, 0, &f->batch, &why), 0);
	assert_int_equal(f->counts.pages[WIRE_PAGE_WHOLE] + f->counts.pages[WIRE_PAGE_ZERO] +
	                         f->counts.pages[WIRE_PAGE_ABSENT],
	                 PAGES);
	decode(f);
}

static void lines_are_found_wherever_a_byte_differs(void **state)
{
	struct fixture *f = *state;
	uint8_t *page = f->contents[0], *old = f->old[0];

	fill_noise(page, PAGE);
	memcpy(old, page, PAGE);
	assert_true(lines_changed(page, old) == 0);
	for (uint32_t i = 0; i < PAGE; i++) {
		page[i] ^= 0x80;
		assert_true(lines_changed(page, old) == 1ull << i / 64);
		page[i] ^= 0x80;
	}
	memset(page, 0, PAGE);
	assert_true(lines_are_zero(page));
	for (uint32_t i = 0; i < PAGE; i++) {
		page[i] = 1;
		assert_false(lines_are_zero(page));
		page[i] = 0;
	}
}

/* One entry with that payload. */
static int parse_one(enum wire_page how, uint64_t gfn, const void *payload, uint32_t size,
                     struct page_batch *batch, uint8_t *body)
{
	struct wire_pages head = { .count = 1 };
	uint64_t entry = page_entry(gfn, how, size);
	const char *why;

	memcpy(body, &head, sizeof(head));
	memcpy(body + 8, &entry, sizeof(entry));
	memcpy(body + 16, payload, size);
	return pages_parse(body, 16 + size, MEMORY_PAGES, WIRE_CODECS, batch, &why);
}

static void payloads_that_cannot_be_are_refused(void **state)
{
	struct fixture *f = *state;
	struct page_batch *batch = &f->batch;
	uint8_t junk[PAGE + 1] = { 3 }; /* a mask of two lines */

	assert_int_equal(parse_one(WIRE_PAGE_WHOLE, 1, junk, PAGE, batch, f->body), 0);
	assert_int_equal(parse_one(WIRE_PAGE_WHOLE, MEMORY_PAGES, junk, PAGE, batch, f->body),
	                 -EPROTO);
	assert_int_equal(parse_one(WIRE_PAGE_WHOLE, 1, junk, PAGE - 1, batch, f->body), -EPROTO);
	assert_int_equal(parse_one(WIRE_PAGE_WHOLE, 1, junk, PAGE + 1, batch, f->body), -EPROTO);
	assert_int_equal(parse_one(WIRE_PAGE_ZERO, 1, junk, 1, batch, f->body), -EPROTO);
	assert_int_equal(parse_one(WIRE_PAGE_ABSENT, 1, junk, 1, batch, f->body), -EPROTO);
	assert_int_equal(parse_one(WIRE_PAGE_LINES, 1, junk, 8 + 128, batch, f->body), 0);
	assert_int_equal(parse_one(WIRE_PAGE_LINES, 1, junk, 8 + 64, batch, f->body), -EPROTO);
	assert_int_equal(parse_one(WIRE_PAGE_LINES, 1, junk, 7, batch, f->body), -EPROTO);
	assert_int_equal(parse_one(WIRE_PAGE_LINES, 1, junk, 0, batch, f->body), -EPROTO);
	assert_int_equal(parse_one(WIRE_PAGE_LINES_LZ4, 1, junk, 8 + 128, batch, f->body), -EPROTO);
	assert_int_equal(parse_one(WIRE_PAGE_LINES_LZ4, 1, junk, 8, batch, f->body), -EPROTO);
	assert_int_equal(parse_one(WIRE_PAGE_LZ4, 1, junk, 0, batch, f->body), -EPROTO);
	assert_int_equal(parse_one(WIRE_PAGE_LZ4, 1, junk, PAGE, batch, f->body), -EPROTO);
	assert_int_equal(parse_one(WIRE_PAGE_SAME, 1, junk, 4, batch, f->body), -EPROTO);
	assert_int_equal(parse_one(WIRE_PAGE_HOWS, 1, junk, 4, batch, f->body), -EPROTO);

	/* LZ4 blocks that give too little, too much, or nothing. */
	assert_int_equal(parse_one(WIRE_PAGE_LZ4, 1, junk, 20, batch, f->body), 0);
	assert_int_equal(decode_check(batch), -EPROTO);
	assert_int_equal(parse_one(WIRE_PAGE_LINES_LZ4, 1, junk, 8 + 20, batch, f->body), 0);
	assert_int_equal(decode_check(batch), -EPROTO);
}

static int parse(struct fixture *f, uint32_t size, uint32_t codecs)
{
	const char *why;

	return pages_parse(f->body, size, MEMORY_PAGES, codecs, &f->batch, &why);
}

static void batches_that_cannot_be_are_refused(void **state)
{
	struct fixture *f = *state;
	struct wire_pages head = { .count = 2 };
	uint32_t index = 1;

	fill_noise(f->contents[0], PAGE);
	memcpy(f->contents[1], f->contents[0], PAGE);
	encode(f, 2);
	for (uint32_t size = 0; size < f->size; size++)
		assert_int_equal(parse(f, size, WIRE_CODECS), -EPROTO);
	assert_int_equal(parse(f, f->size, WIRE_CODECS), 0);
	assert_int_equal(parse(f, f->size + 1, WIRE_CODECS), -EPROTO);
	assert_int_equal(parse(f, f->size, WIRE_CODECS & ~WIRE_CODEC_SAME), -EPROTO);
	/* The same as itself, as one behind it. */
	memcpy(f->body + f->size - 4, &index, 4);
	assert_int_equal(parse(f, f->size, WIRE_CODECS), -EPROTO);
	index = UINT32_MAX;
	memcpy(f->body + f->size - 4, &index, 4);
	assert_int_equal(parse(f, f->size, WIRE_CODECS), -EPROTO);
	head.count = 0;
	memcpy(f->body, &head, sizeof(head));
	assert_int_equal(parse(f, 8, WIRE_CODECS), -EPROTO);
	head.count = WIRE_PAGES_MAX + 1;
	memcpy(f->body, &head, sizeof(head));
	assert_int_equal(parse(f, ENCODE_BODY_MAX, WIRE_CODECS), -EPROTO);
}

#define ENCODE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ENCODE_TEST(each_page_goes_the_cheapest_way),
		ENCODE_TEST(the_same_page_goes_once),
		ENCODE_TEST(what_did_not_change_is_not_sent),
		ENCODE_TEST(mixtures_arrive_and_applying_twice_is_harmless),
		ENCODE_TEST(the_worst_batch_fits),
		ENCODE_TEST(only_agreed_ways_are_used),
		ENCODE_TEST(lines_are_found_wherever_a_byte_differs),
		ENCODE_TEST(payloads_that_cannot_be_are_refused),
		ENCODE_TEST(batches_that_cannot_be_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
