/* The sets of free blocks against a plain list of which frames are free. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: xen-core/mm/buddy.c */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/assert.h"
#include "mm/buddy.h"

#define FRAMES 5003

static struct buddy buddy;
static void *memory;
static bool is_free[FRAMES];

void panic(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	abort();
}

static int set_up(void **state)
{
	memory = calloc(1, buddy_size(FRAMES));
	buddy_init(&buddy, FRAMES, memory);
	memset(is_free, 0, sizeof(is_free));
	return 0;
}

static int tear_down(void **state)
{
	free(memory);
	return 0;
}

static void mark(uint64_t first, uint64_t count, bool value)
{
	for (uint64_t i = first; i < first + count; i++) {
		assert_true(i < FRAMES && is_free[i] != value);
		is_free[i] = value;
	}
}

static void give(uint64_t first, uint64_t count)
{
	buddy_give(&buddy, first, count);
	mark(first, count, true);
}

static uint64_t take(unsigned order)
{
	uint64_t first = buddy_take(&buddy, order);

	if (first != BUDDY_NONE) {
		assert_int_equal(first % BIT(order), 0);
		mark(first, BIT(order), false);
	}
	return first;
}

static void from_the_top(void **state)
{
	assert_int_equal(take(0), BUDDY_NONE);
	give(0, FRAMES);
	assert_int_equal(buddy.free, FRAMES);
	assert_int_equal(take(0), FRAMES - 1);
	assert_int_equal(take(3), 4992);
	assert_int_equal(take(0), FRAMES - 2);
	assert_int_equal(take(12), 0);
	assert_int_equal(take(12), BUDDY_NONE);
	assert_int_equal(take(BUDDY_MAX_ORDER), BUDDY_NONE);
}

static void grow_together(void **state)
{
	give(0, 4096);
	for (unsigned i = 0; i < 4096; i++)
		assert_int_equal(take(0), 4095 - i);
	assert_int_equal(buddy.free, 0);
	for (unsigned i = 0; i < 4096; i++)
		give((i * 2777) % 4096, 1);
	assert_int_equal(take(12), 0);
}

static void ranges(void **state)
{
	give(0, FRAMES);
	buddy_take_range(&buddy, 1, 4000);
	mark(1, 4000, false);
	assert_int_equal(buddy.free, FRAMES - 4000);
	buddy_take_range(&buddy, FRAMES - 1, 1);
	mark(FRAMES - 1, 1, false);
	give(1, 4000);
	give(FRAMES - 1, 1);
	assert_int_equal(take(12), 0);
}

/* A block of this order is free by the plain list. */
static bool exists(unsigned order)
{
	for (uint64_t first = 0; first + BIT(order) <= FRAMES; first += BIT(order)) {
		uint64_t i = first;

		while (i < first + BIT(order) && is_free[i])
			i++;
		if (i == first + BIT(order))
			return true;
	}
	return false;
}

static uint64_t count_free(void)
{
	uint64_t count = 0;

	for (unsigned i = 0; i < FRAMES; i++)
		count += is_free[i];
	return count;
}

static void random_use(void **state)
{
	srand(1);
	give(0, FRAMES);
	for (unsigned i = 0; i < 20000; i++) {
		unsigned order = (unsigned)rand() % 8;
		uint64_t first = (uint64_t)rand() % FRAMES;
		bool was_free = is_free[first];
		uint64_t count = 0;

		if (rand() % 2) {
			bool there_is_one = exists(order);

			assert_int_equal(take(order) != BUDDY_NONE, there_is_one);
			continue;
		}
		while (first + count < FRAMES && is_free[first + count] == was_free && count < 100)
			count++;
		if (was_free) {
			buddy_take_range(&buddy, first, count);
			mark(first, count, false);
		} else {
			give(first, count);
		}
		assert_int_equal(buddy.free, count_free());
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(from_the_top, set_up, tear_down),
		cmocka_unit_test_setup_teardown(grow_together, set_up, tear_down),
		cmocka_unit_test_setup_teardown(ranges, set_up, tear_down),
		cmocka_unit_test_setup_teardown(random_use, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
