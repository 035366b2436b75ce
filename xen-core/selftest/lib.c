/* Self-tests: formatted text, strings, bit sets, lists. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "lib/bits.h"
#include "lib/list.h"
#include "lib/print.h"
#include "lib/string.h"
#include "selftest/selftest.h"

#define FORMATS_TO(expected, ...)                                                                  \
	({                                                                                         \
		char buffer[64];                                                                   \
		int length = snprintf(buffer, sizeof(buffer), __VA_ARGS__);                        \
		length == (int)strlen(expected) && strcmp(buffer, expected) == 0;                  \
	})

static const char *print_formats(void)
{
	CHECK(FORMATS_TO("-5 7 ff 1f", "%d %u %x %lx", -5, 7u, 0xffu, 0x1fUL));
	CHECK(FORMATS_TO("0042|42  |  42", "%04d|%-4d|%4d", 42, 42, 42));
	CHECK(FORMATS_TO("18446744073709551615", "%lu", ~0UL));
	CHECK(FORMATS_TO("-9223372036854775808", "%ld", (long)BIT(63)));
	CHECK(FORMATS_TO("a bc %", "%c %s %%", 'a', "bc"));
	CHECK(FORMATS_TO("12 34", "%zu %lld", (size_t)12, 34LL));
	return NULL;
}

static const char *print_truncates(void)
{
	char buffer[4] = "???";

	CHECK(snprintf(buffer, sizeof(buffer), "%s", "abcdef") == 6);
	CHECK(strcmp(buffer, "abc") == 0);
	CHECK(snprintf(buffer, 0, "%d", 12345) == 5);
	CHECK(strcmp(buffer, "abc") == 0);
	return NULL;
}

static const char *string_memory(void)
{
	char a[16] = "0123456789abcde", b[16];

	memcpy(b, a, sizeof(a));
	CHECK(memcmp(a, b, sizeof(a)) == 0);
	memmove(a + 2, a, 10);
	CHECK(memcmp(a, "010123456789cde", 16) == 0);
	memmove(a, a + 2, 10);
	CHECK(memcmp(a, "012345678989cde", 16) == 0);
	memset(b, 'x', 3);
	CHECK(memcmp(b, "xxx345", 6) == 0);
	memcpy(b, "a\xff", 2);
	CHECK(memcmp(b, "a\x01", 2) > 0);
	return NULL;
}

static const char *string_text(void)
{
	static const char text[] = "key=value";

	CHECK(strlen(text) == 9 && strlen("") == 0);
	CHECK(strcmp(text, "kez") < 0 && strcmp(text, "key") > 0 && strcmp(text + 9, "") == 0);
	CHECK(strncmp(text, "key?", 3) == 0 && strncmp(text, "key?", 4) < 0);
	CHECK(strchr(text, '=') == text + 3 && !strchr(text, '?'));
	CHECK(strchr(text, '\0') == text + 9);
	return NULL;
}

static const char *bits(void)
{
	unsigned long words[2] = { 0, 0 };

	CHECK(!bit_test_and_set(70, words) && bit_test_and_set(70, words));
	CHECK(words[0] == 0 && words[1] == BIT(6) && bit_test(70, words));
	CHECK(bit_test_and_clear(70, words) && !bit_test_and_clear(70, words));
	CHECK(bit_lowest(0x90) == 4 && bit_highest(0x90) == 7 && bit_highest(BIT(63)) == 63);
	return NULL;
}

static const char *lists(void)
{
	struct list head = LIST_INIT(head), items[3];
	unsigned seen = 0;

	for (unsigned i = 0; i < 3; i++)
		list_push_back(&head, &items[i]);
	list_remove(&items[1]);
	CHECK(list_is_empty(&items[1]));
	list_push_front(&head, &items[1]);
	CHECK(head.next == &items[1] && head.prev == &items[2]);
	LIST_FOR_EACH_SAFE(item, after, &head) {
		list_remove(item);
		seen++;
	}
	CHECK(seen == 3 && list_is_empty(&head));
	return NULL;
}

const struct selftest selftests_lib[] = {
	{ "lib_print_formats", print_formats },
	{ "lib_print_truncates", print_truncates },
	{ "lib_memory", string_memory },
	{ "lib_strings", string_text },
	{ "lib_bits", bits },
	{ "lib_lists", lists },
	{ NULL, NULL },
};
