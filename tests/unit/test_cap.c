/* Unit tests of the budget of capped domains: xen-core/sched/cap.c. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: xen-core/sched/cap.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "sched/cap.h"

#define START 123456789UL
#define MS    1000000UL
#define RUN   1000 /* rounds */

static struct sched_share share_of(uint32_t cap)
{
	return (struct sched_share){ .weight = 256, .cap = cap, .period_start = { START } };
}

/* Runs whenever it may, for as long as it may; the scheduler is late by so much each time. Returns the
 * part of the time that it had, in thousandths. */
static uint64_t part_of_time(uint32_t cap, uint64_t late)
{
	struct sched_share share = share_of(cap);
	uint64_t now = START, ran = 0;

	for (unsigned i = 0; i < RUN; i++) {
		uint64_t length = 0;

		if (cap_has_budget(&share, NANOS(now))) {
			length = cap_longest_run(&share);
			length = (length < 5 * MS ? length : 5 * MS) + late;
			cap_charge(&share, length);
			ran += length;
			now += length;
		} else {
			uint64_t then = cap_refilled_at(&share).v;

			assert_true(then > now);
			now = then + late;
		}
	}
	return (ran * 1000 + (now - START) / 2) / (now - START);
}

static void test_no_cap(void **state)
{
	struct sched_share share = share_of(0);

	(void)state;
	cap_charge(&share, 1000 * MS);
	assert_true(cap_has_budget(&share, NANOS(START)));
	assert_int_equal(cap_longest_run(&share), UINT64_MAX);
}

static void test_cap_holds_however_late(void **state)
{
	static const uint32_t caps[] = { 1, 10, 25, 50, 90 };
	static const uint64_t lates[] = { 0, 10000, 300000, MS };

	(void)state;
	for (unsigned c = 0; c < ARRAY_SIZE(caps); c++)
		for (unsigned l = 0; l < ARRAY_SIZE(lates); l++)
			assert_in_range(part_of_time(caps[c], lates[l]), caps[c] * 9.7,
			                caps[c] * 10.2);
}

static void test_debt_is_paid_back(void **state)
{
	struct sched_share share = share_of(25);

	(void)state;
	assert_true(cap_has_budget(&share, NANOS(START + 10 * MS)));
	cap_charge(&share, 40 * MS); /* eight CPUs for a slice: 2.5 ms were its due */
	assert_false(cap_has_budget(&share, NANOS(START + 160 * MS - 1)));
	assert_int_equal(cap_refilled_at(&share).v, START + 170 * MS);
	assert_true(cap_has_budget(&share, NANOS(START + 170 * MS)));
}

static void test_budget_does_not_pile_up(void **state)
{
	struct sched_share share = share_of(65535);

	(void)state;
	assert_true(cap_has_budget(&share, NANOS(START + (1UL << 62))));
	assert_int_equal(cap_longest_run(&share), 65535 * MS / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_cap),
		cmocka_unit_test(test_cap_holds_however_late),
		cmocka_unit_test(test_debt_is_paid_back),
		cmocka_unit_test(test_budget_does_not_pile_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
