/* The hypervisor's own text formatting against what C says it does. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Under names of their own: the sanitizers and the C library need theirs. */
#define snprintf  core_snprintf
#define vsnprintf core_vsnprintf
#include "lib/print.c"
#undef snprintf
#undef vsnprintf

const char *symbol_find(uint64_t address, uint64_t *offset)
{
	*offset = address & 0xfff;
	return address >> 12 == 0x1234 ? "function" : NULL;
}

/* Both formatters make the same of it, and both say the same length when there is too little room. */
#define SAME(...)                                                                                  \
	do {                                                                                       \
		char theirs[128], ours[128], cut[4];                                               \
		int length = snprintf(theirs, sizeof(theirs), __VA_ARGS__);                        \
		assert_int_equal(core_snprintf(ours, sizeof(ours), __VA_ARGS__), length);          \
		assert_string_equal(ours, theirs);                                                 \
		assert_int_equal(core_snprintf(cut, sizeof(cut), __VA_ARGS__), length);            \
		assert_true(strlen(cut) < sizeof(cut) && strncmp(cut, theirs, strlen(cut)) == 0);  \
	} while (0)

static void numbers(void **state)
{
	SAME("%d %i %d", 0, -1, INT_MIN);
	SAME("%u %x %X %o", UINT_MAX, 0xbeefu, 0xbeefu, 0755u);
	SAME("%ld %lu %lld %zu", LONG_MIN, ULONG_MAX, -5LL, (size_t)7);
	SAME("%hd %hu %hhx", (short)-3, (unsigned short)65535, (unsigned char)0xff);
	SAME("%#x %#lx", 0x10u, ULONG_MAX);
}

static void widths(void **state)
{
	SAME("[%5d] [%-5d] [%05d] [%05d]", 42, 42, 42, -42);
	SAME("[%16lx] [%016lx] [%-8x]", 0xabcUL, 0xabcUL, 0x1u);
	SAME("[%*d] [%1d] [%#010x]", 6, 12, 12345, 0x1fu);
	SAME("[%8s] [%-8s] [%3c] [%-3c]", "abc", "abc", 'x', 'y');
}

static void texts(void **state)
{
	char unended[] = { 'a', 'b', 'c' };

	SAME("%s|%s|%c|%%", "", "text", 'c');
	SAME("%.2s|%.*s|%.9s", "abcdef", 3, "abcdef", "abc");
	SAME("%.3s", unended);
}

static void symbols(void **state)
{
	char text[64];

	core_snprintf(text, sizeof(text), "%p %ps %ps", (void *)0xabc, (void *)0x1234010,
	              (void *)0x777);
	assert_string_equal(text, "0xabc function+0x10 0x777");
}

static char sunk[1024];

static void sink(const char *text, size_t length)
{
	memcpy(sunk, text, length);
	sunk[length] = '\0';
}

static void lines(void **state)
{
	char longest[600];

	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	print("nowhere yet\n");
	print_set_sink(sink);
	print("%d\n", 5);
	assert_string_equal(sunk, "(core) 5\n");
	print("%s\n", longest);
	assert_int_equal(strlen(sunk), LINE_SIZE - 1);
	assert_int_equal(sunk[LINE_SIZE - 2], '\n');
	log_limit = LOG_WARN;
	log_info("not wanted\n");
	assert_int_equal(strlen(sunk), LINE_SIZE - 1);
	log_warn("wanted\n");
	assert_string_equal(sunk, "(core) wanted\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers), cmocka_unit_test(widths), cmocka_unit_test(texts),
		cmocka_unit_test(symbols), cmocka_unit_test(lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
