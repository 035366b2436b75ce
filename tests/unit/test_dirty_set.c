/* Unit tests of the set of dirty pages: what goes in is found, comes out last first, and costs no memory after. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: xen-core/dirty/set.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dirty/set.h"
#include "lib/assert.h"
#include "mm/heap.h"

#define LIMIT 100000

static int left_to_give = -1; /* allocations before there is no memory; -1: no end */

void *heap_alloc(size_t size)
{
	if (!left_to_give)
		return NULL;
	if (left_to_give > 0)
		left_to_give--;
	return calloc(1, size);
}

void heap_free(void *object)
{
	free(object);
}

void panic(const char *format, ...)
{
	fail_msg("%s", format);
	abort();
}

static void last_in_first_out(void **state)
{
	struct dirty_set set;

	assert_int_equal(dirty_set_create(&set, LIMIT), 0);
	for (uint32_t round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < LIMIT; i++) {
			gfn_t gfn = GFN(i * 7919UL % LIMIT);

			assert_null(dirty_set_find(&set, gfn));
			dirty_set_add(&set, gfn)->old = i;
		}
		assert_int_equal(set.count, LIMIT);
		for (uint32_t i = LIMIT; i--;) {
			gfn_t gfn = GFN(i * 7919UL % LIMIT);

			assert_int_equal(dirty_set_find(&set, gfn)->old, i);
			assert_int_equal(dirty_set_last(&set)->gfn, gfn.v);
			dirty_set_drop_last(&set);
			assert_null(dirty_set_find(&set, gfn));
		}
		assert_null(dirty_set_last(&set));
	}
	dirty_set_destroy(&set);
}

static void beyond_the_limit(void **state)
{
	struct dirty_set set;

	assert_int_equal(dirty_set_create(&set, LIMIT), 0);
	assert_null(dirty_set_add(&set, GFN(LIMIT)));
	assert_null(dirty_set_find(&set, GFN(LIMIT)));
	assert_null(dirty_set_find(&set, GFN(~0UL)));
	assert_non_null(dirty_set_add(&set, GFN(LIMIT - 1)));
	dirty_set_destroy(&set);
}

/* A set without memory refuses, and is whole. */
static void without_memory(void **state)
{
	for (int given = 0; given < 4; given++) {
		struct dirty_set set;

		left_to_give = given;
		if (dirty_set_create(&set, LIMIT)) {
			assert_true(given < 2);
		} else {
			assert_null(dirty_set_add(&set, GFN(5)));
			assert_int_equal(set.count, 0);
			assert_null(dirty_set_find(&set, GFN(5)));
			left_to_give = -1;
			assert_non_null(dirty_set_add(&set, GFN(5)));
		}
		left_to_give = -1;
		dirty_set_destroy(&set);
	}
}

static void bits(void **state)
{
	static const uint32_t gfns[] = { 0, 7, 8, 1023, 1024, 5000, 99999 };
	uint8_t map[LIMIT / 8 + 100];
	struct dirty_set set;

	assert_int_equal(dirty_set_create(&set, LIMIT), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(gfns); i++)
		dirty_set_add(&set, GFN(gfns[i]));
	for (uint64_t first = 0; first <= 8192; first += 4096) {
		unsigned found = 0, wanted = 0;

		memset(map, 0xff, sizeof(map));
		dirty_set_bits(&set, first, sizeof(map) * 8, map);
		for (unsigned i = 0; i < ARRAY_SIZE(gfns); i++) {
			if (gfns[i] < first)
				continue;
			wanted++;
			assert_true(map[(gfns[i] - first) / 8] >> (gfns[i] - first) % 8 & 1);
		}
		for (unsigned i = 0; i < sizeof(map); i++)
			found += (unsigned)__builtin_popcount(map[i]);
		assert_int_equal(found, wanted);
	}
	dirty_set_destroy(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(last_in_first_out),
		cmocka_unit_test(beyond_the_limit),
		cmocka_unit_test(without_memory),
		cmocka_unit_test(bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
