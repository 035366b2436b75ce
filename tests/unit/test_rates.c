/* What remusctl reckons of two looks at a VM, and how it prints it. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: toolstack/verbs/rates.c toolstack/verbs/vm.c */
/* libs: -ljansson */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "toolstack/verbs/rates.h"
#include "toolstack/verbs/vm.h"

static json_t *vm(int at, int cuts, int pauses, int captured, int wire)
{
	return json_pack("{s:s, s:{s:{s:i, s:i, s:i, s:i, s:i}}}", "name", "web", "replication",
	                 "flow", "at", at, "cuts", cuts, "pauses_us", pauses, "captured_bytes",
	                 captured, "wire_bytes", wire);
}

static void test_two_looks_make_rates(void **state)
{
	json_t *before = vm(1000, 10, 500, 4096, 1024), *now = vm(3000, 90, 80500, 804096, 101024);
	struct rates rates = rates_unknown;

	assert_true(rates_between(&rates, before, now));
	assert_true(rates.epochs == 40 && rates.pause == 1 && rates.wire == 50000 &&
	            rates.ratio == 8);
	/* remusd has not asked its worker meanwhile. */
	assert_false(rates_between(&rates, now, now));
	assert_true(rates.epochs == 40);
	json_decref(before);
	json_decref(now);
}

static void test_a_worker_that_was_started_anew(void **state)
{
	json_t *before = vm(1000, 90, 500, 4096, 1024), *now = vm(2000, 3, 10, 100, 100);
	json_t *plain = json_pack("{s:s}", "name", "web");
	struct rates rates = { 1, 1, 1, 1 };

	assert_true(rates_between(&rates, before, now));
	assert_true(rates.epochs < 0 && rates.pause < 0 && rates.wire < 0 && rates.ratio < 0);
	rates.epochs = 1;
	assert_true(rates_between(&rates, now, plain));
	assert_true(rates.epochs < 0);
	assert_true(rates_between(&rates, NULL, now));
	assert_true(rates.epochs < 0);
	json_decref(before);
	json_decref(now);
	json_decref(plain);
}

static void test_nothing_was_cut(void **state)
{
	json_t *before = vm(1000, 90, 500, 4096, 1024), *now = vm(2000, 90, 500, 4096, 1024);
	struct rates rates;

	assert_true(rates_between(&rates, before, now));
	assert_true(rates.epochs == 0 && rates.pause < 0 && rates.wire == 0 && rates.ratio < 0);
	json_decref(before);
	json_decref(now);
}

static void test_numbers_fit_their_columns(void **state)
{
	static const struct {
		double bytes;
		const char *text;
	} sizes[] = { { -1, "-" },
		      { 0, "0" },
		      { 999, "999" },
		      { 1000, "1.0K" },
		      { 99.9 * 1024, "99.9K" },
		      { 999.4 * 1024, "999K" },
		      { 1000 * 1024, "1.0M" },
		      { 3e9, "2.8G" },
		      { 5e15, "4547T" } };
	char text[RATES_TEXT_SIZE];

	for (unsigned int i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		assert_string_equal(rates_bytes(sizes[i].bytes, text), sizes[i].text);
	assert_string_equal(rates_number(-1, 2, text), "-");
	assert_string_equal(rates_number(0.816, 2, text), "0.82");
}

static void test_progress_in_a_line(void **state)
{
	json_t *told = json_pack("{s:s, s:{s:s, s:{s:I, s:I}}}", "protection", "copying",
	                         "replication", "why", "", "progress", "sent",
	                         (json_int_t)(64 << 20), "total", (json_int_t)(256 << 20));
	char text[VM_PROGRESS_SIZE];

	assert_string_equal(vm_progress(told, text), "copying, 25% of 256 MiB");
	json_decref(told);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_looks_make_rates),
		cmocka_unit_test(test_a_worker_that_was_started_anew),
		cmocka_unit_test(test_nothing_was_cut),
		cmocka_unit_test(test_numbers_fit_their_columns),
		cmocka_unit_test(test_progress_in_a_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
