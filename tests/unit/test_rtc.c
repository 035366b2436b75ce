/* The CMOS clock's registers, in each of their forms, to seconds since 1970. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: xen-core/hw/rtc.c */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "hw/cpu.h"
#include "hw/rtc.h"

enum { MODE_24_HOURS = 2, MODE_BINARY = 4 };

/* For the wait between two readings. */
bool cpu_has(enum cpu_feature feature)
{
	return feature == CPU_FEATURES;
}

static void test_bcd(void **state)
{
	struct rtc_registers r = { 0x59, 0x48, 0x23, 0x31, 0x12, 0x99, 0x19, MODE_24_HOURS };

	(void)state;
	assert_int_equal(rtc_seconds(&r, true), 946684139);
	r.year = 0x24;
	assert_int_equal(rtc_seconds(&r, false), 1735688939);
}

static void test_twelve_hours(void **state)
{
	struct rtc_registers r = { 0, 0, 0x12, 1, 1, 0x70, 0x19, 0 };

	(void)state;
	assert_int_equal(rtc_seconds(&r, true), 0);
	r.hour = 0x80 | 0x12;
	assert_int_equal(rtc_seconds(&r, true), 12 * 3600);
	r.hour = 0x80 | 0x11;
	assert_int_equal(rtc_seconds(&r, true), 23 * 3600);
	r.hour = 0x01;
	assert_int_equal(rtc_seconds(&r, true), 3600);
}

static void test_nonsense(void **state)
{
	struct rtc_registers r;

	(void)state;
	memset(&r, 0xff, sizeof(r));
	assert_int_equal(rtc_seconds(&r, true), 0);
	memset(&r, 0, sizeof(r));
	assert_int_equal(rtc_seconds(&r, true), 0);
}

/* Every day of two centuries, against the C library. */
static void test_every_day(void **state)
{
	(void)state;
	for (time_t t = 3723; t < 6311433600; t += 86400) {
		struct tm tm;
		struct rtc_registers r;

		gmtime_r(&t, &tm);
		r = (struct rtc_registers){
			.second = (uint8_t)tm.tm_sec,
			.minute = (uint8_t)tm.tm_min,
			.hour = (uint8_t)tm.tm_hour,
			.day = (uint8_t)tm.tm_mday,
			.month = (uint8_t)(tm.tm_mon + 1),
			.year = (uint8_t)(tm.tm_year % 100),
			.century = (uint8_t)(19 + tm.tm_year / 100),
			.mode = MODE_24_HOURS | MODE_BINARY,
		};
		assert_int_equal(rtc_seconds(&r, true), t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bcd),
		cmocka_unit_test(test_twelve_hours),
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_every_day),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
