/* Memory maps as firmware gives them: unsorted, overlapping, with edges amid a page. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: xen-core/mm/memory_map.c */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mm/memory_map.h"

static struct memory_map map;

static void sanitise(const struct memory_range *ranges, unsigned count)
{
	map.count = count;
	memcpy(map.ranges, ranges, count * sizeof(*ranges));
	memory_map_sanitise(&map);
}

static void expect(const struct memory_range *ranges, unsigned count)
{
	assert_int_equal(map.count, count);
	for (unsigned i = 0; i < count; i++) {
		assert_int_equal(map.ranges[i].start, ranges[i].start);
		assert_int_equal(map.ranges[i].end, ranges[i].end);
		assert_int_equal(map.ranges[i].type, ranges[i].type);
	}
}

#define GIVEN(...)                                                                                 \
	do {                                                                                       \
		static const struct memory_range given[] = { __VA_ARGS__ };                        \
		sanitise(given, ARRAY_SIZE(given));                                                \
	} while (0)
#define EXPECT(...)                                                                                \
	do {                                                                                       \
		static const struct memory_range expected[] = { __VA_ARGS__ };                     \
		expect(expected, ARRAY_SIZE(expected));                                            \
	} while (0)

static void sorted_and_joined(void **state)
{
	GIVEN({ 0x3000, 0x4000, MEMORY_RAM }, { 0x9000, 0xa000, MEMORY_ACPI },
	      { 0x1000, 0x3000, MEMORY_RAM }, { 0x5000, 0x5000, MEMORY_RAM });
	EXPECT({ 0x1000, 0x4000, MEMORY_RAM }, { 0x9000, 0xa000, MEMORY_ACPI });
}

static void more_reserved_wins(void **state)
{
	GIVEN({ 0x0, 0x10000, MEMORY_RAM }, { 0x4000, 0x6000, MEMORY_RESERVED },
	      { 0x5000, 0x7000, MEMORY_ACPI }, { 0xf000, 0x11000, MEMORY_BAD });
	EXPECT({ 0x0, 0x4000, MEMORY_RAM }, { 0x4000, 0x6000, MEMORY_RESERVED },
	       { 0x6000, 0x7000, MEMORY_ACPI }, { 0x7000, 0xf000, MEMORY_RAM },
	       { 0xf000, 0x11000, MEMORY_BAD });
}

static void whole_pages(void **state)
{
	GIVEN({ 0x10, 0x9fc00, MEMORY_RAM }, { 0x9fc00, 0xa0000, MEMORY_RESERVED },
	      { 0xb0001, 0xb0fff, MEMORY_RAM });
	EXPECT({ 0x1000, 0x9f000, MEMORY_RAM }, { 0x9fc00, 0xa0000, MEMORY_RESERVED });
}

static void strange_input(void **state)
{
	GIVEN({ 0x5000, 0x4000, MEMORY_RAM }, { 0x1000, 0x2000, 0 }, { 0x2000, 0x3000, 77 },
	      { 0xfffffffffffff000, UINT64_MAX, MEMORY_RESERVED });
	EXPECT({ 0x1000, 0x3000, MEMORY_RESERVED },
	       { 0xfffffffffffff000, UINT64_MAX, MEMORY_RESERVED });
	map.count = 0;
	memory_map_sanitise(&map);
	assert_int_equal(map.count, 0);
}

/* Splitting more ranges than fit must not write beyond the map. */
static void full(void **state)
{
	struct memory_range ranges[MEMORY_MAP_MAX];

	ranges[0] = (struct memory_range){ 0, 0x1000000, MEMORY_RAM };
	for (unsigned i = 1; i < MEMORY_MAP_MAX; i++)
		ranges[i] = (struct memory_range){ i * 0x2000, i * 0x2000 + 0x1000, MEMORY_NVS };
	sanitise(ranges, MEMORY_MAP_MAX);
	assert_int_equal(map.count, MEMORY_MAP_MAX);
}

static void top(void **state)
{
	memory_map.count = 0;
	assert_int_equal(memory_map_top(), 0);
	memory_map.ranges[0] = (struct memory_range){ 0, 0x8000, MEMORY_RAM };
	memory_map.ranges[1] = (struct memory_range){ 0x8000, 0xf000, MEMORY_RESERVED };
	memory_map.count = 2;
	assert_int_equal(memory_map_top(), 0x8000);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(sorted_and_joined),
		cmocka_unit_test(more_reserved_wins),
		cmocka_unit_test(whole_pages),
		cmocka_unit_test(strange_input),
		cmocka_unit_test(full),
		cmocka_unit_test(top),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
