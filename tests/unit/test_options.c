/* The hypervisor's command line: what is understood, and what is complained about. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: xen-core/lib/options.c */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/options.h"
#include "lib/print.h"

enum log_level log_limit;
static char complaints[1024];

void log_print(enum log_level level, const char *format, ...)
{
	size_t length = strlen(complaints);
	va_list args;

	va_start(args, format);
	vsnprintf(complaints + length, sizeof(complaints) - length, format, args);
	va_end(args);
}

static const char *parse(const char *text)
{
	options = (struct options){ 0 };
	complaints[0] = '\0';
	options_parse(text);
	return complaints;
}

static void understood(void **state)
{
	assert_string_equal(parse("  dom0_mem=512M\tnoreboot selftest dom0_max_vcpus=3 "
	                          "console=none com1=9600 loglvl=debug"),
	                    "");
	assert_int_equal(options.dom0_mem, MIB(512));
	assert_true(options.noreboot && options.selftest && !options.console_com1);
	assert_int_equal(options.dom0_max_vcpus, 3);
	assert_int_equal(options.com1_baud, 9600);
	assert_int_equal(log_limit, LOG_DEBUG);
	assert_string_equal(parse(""), "");
	assert_string_equal(options_text, "");
}

static void sizes(void **state)
{
	parse("dom0_mem=2g");
	assert_int_equal(options.dom0_mem, GIB(2));
	parse("dom0_mem=1024");
	assert_int_equal(options.dom0_mem, MIB(1));
	parse("dom0_mem=4096B");
	assert_int_equal(options.dom0_mem, 4096);
	assert_string_not_equal(parse("dom0_mem=99999999999999999999"), "");
	assert_string_not_equal(parse("dom0_mem=18446744073709551615T"), "");
	assert_string_not_equal(parse("dom0_mem=1GB"), "");
	assert_string_not_equal(parse("dom0_mem=M"), "");
	assert_int_equal(options.dom0_mem, 0);
}

static void complained(void **state)
{
	assert_string_equal(parse("foo=1 bar"), "unknown option 'foo'\nunknown option 'bar'\n");
	assert_string_equal(parse("noreboo"), "unknown option 'noreboo'\n");
	assert_string_equal(parse("noreboot=1"), "option 'noreboot=1' makes no sense\n");
	assert_string_equal(parse("com1=7"), "option 'com1=7' makes no sense\n");
	assert_string_equal(parse("maxcpus"), "option 'maxcpus' makes no sense\n");
	assert_string_equal(parse("console=vga noreboot"), "option 'console=vga' makes no sense\n");
	assert_true(options.noreboot);
}

static void endless(void **state)
{
	char text[3000];

	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	assert_non_null(strstr(parse(text), "unknown option 'aaaa"));
	assert_int_equal(strlen(options_text), sizeof(options_text) - 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(understood),
		cmocka_unit_test(sizes),
		cmocka_unit_test(complained),
		cmocka_unit_test(endless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
