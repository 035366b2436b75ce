/* Hellos: what two sides agree on, and each reason to refuse. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/wire/hello.c */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "replication/wire/hello.h"

struct pair {
	struct wire_hello primary, standby;
	struct agreement agreement;
	struct refusal refusal;
};

static void fill(struct wire_hello *hello, enum wire_role role)
{
	hello_init(hello);
	hello->role = role;
	hello->generation = 3;
	hello->series = 77;
	memset(hello->vm, 0x5a, sizeof(hello->vm));
	strcpy(hello->name, "web");
	strcpy(hello->host, role == WIRE_PRIMARY ? "a" : "b");
	hello->disks = 1;
	hello->disk_sectors[0] = 2048;
}

static int set_up(void **state)
{
	struct pair *pair = calloc(1, sizeof(*pair));

	fill(&pair->primary, WIRE_PRIMARY);
	fill(&pair->standby, WIRE_STANDBY);
	pair->primary.memory_pages = 65536;
	pair->standby.staged_max = 1 << 28;
	pair->standby.last_epoch = 41;
	*state = pair;
	return 0;
}

static int tear_down(void **state)
{
	free(*state);
	return 0;
}

static int parse(const void *body, size_t size, struct wire_hello *hello)
{
	struct frame frame = { .type = WIRE_HELLO, .body = body, .size = (uint32_t)size };
	const char *why;

	return hello_parse(&frame, hello, &why);
}

/* Both sides come to the same refusal. */
static void assert_refused(struct pair *pair, enum wire_bye reason, const char *text)
{
	assert_int_equal(hello_agree(&pair->primary, &pair->standby, &pair->agreement,
	                             &pair->refusal),
	                 -EPROTO);
	assert_int_equal(pair->refusal.reason, reason);
	assert_string_equal(pair->refusal.text, text);
	assert_int_equal(hello_agree(&pair->standby, &pair->primary, &pair->agreement,
	                             &pair->refusal),
	                 -EPROTO);
	assert_int_equal(pair->refusal.reason, reason);
}

static void two_sides_agree(void **state)
{
	struct pair *pair = *state;
	struct agreement *agreed = &pair->agreement;

	pair->standby.codecs = WIRE_CODEC_LINES | 0x100;
	pair->standby.body_max = 100000;
	assert_int_equal(hello_agree(&pair->primary, &pair->standby, agreed, &pair->refusal), 0);
	assert_int_equal(agreed->codecs, WIRE_CODEC_LINES);
	assert_int_equal(agreed->body_max, 100000);
	assert_int_equal(agreed->staged_max, 1 << 28);
	assert_true(agreed->is_same_series);
	assert_int_equal(agreed->their_last, 41);
	assert_int_equal(hello_agree(&pair->standby, &pair->primary, agreed, &pair->refusal), 0);
	assert_int_equal(agreed->memory_pages, 65536);
	assert_int_equal(agreed->body_max, WIRE_BODY_MAX);
}

static void another_series_is_not_resumed(void **state)
{
	struct pair *pair = *state;

	pair->standby.series = 78;
	assert_int_equal(
		hello_agree(&pair->primary, &pair->standby, &pair->agreement, &pair->refusal), 0);
	assert_false(pair->agreement.is_same_series);
	pair->primary.series = pair->standby.series = 0;
	assert_int_equal(
		hello_agree(&pair->primary, &pair->standby, &pair->agreement, &pair->refusal), 0);
	assert_false(pair->agreement.is_same_series);
	pair->primary.series = pair->standby.series = 77;
	pair->standby.generation = 2;
	assert_int_equal(
		hello_agree(&pair->primary, &pair->standby, &pair->agreement, &pair->refusal), 0);
	assert_false(pair->agreement.is_same_series);
}

static void another_version_is_refused_in_words(void **state)
{
	struct pair *pair = *state;
	struct wire_hello got;

	pair->primary.version_low = 2;
	pair->primary.version_high = 3;
	assert_int_equal(hello_agree(&pair->standby, &pair->primary, &pair->agreement,
	                             &pair->refusal),
	                 -EPROTO);
	assert_int_equal(pair->refusal.reason, WIRE_BYE_VERSION);
	assert_string_equal(pair->refusal.text,
	                    "protocol version 1 is spoken here and 2 to 3 there");
	/* Whatever else it says, and however long: of another version only that is read. */
	assert_int_equal(parse(&pair->primary, 4, &got), 0);
	assert_int_equal(hello_agree(&pair->standby, &got, &pair->agreement, &pair->refusal),
	                 -EPROTO);
	assert_int_equal(pair->refusal.reason, WIRE_BYE_VERSION);
	pair->primary.version_low = 1;
	assert_int_equal(parse(&pair->primary, 4, &got), -EPROTO);
	assert_int_equal(parse(&pair->primary, sizeof(got), &got), 0);
}

static void a_stranger_is_refused(void **state)
{
	struct pair *pair = *state;

	pair->standby.vm[3]++;
	assert_refused(pair, WIRE_BYE_WRONG_VM, "this is VM web, not web");
	pair->standby.vm[3]--;
	pair->standby.role = WIRE_PRIMARY;
	assert_refused(pair, WIRE_BYE_WRONG_VM, "both sides are the primary of VM web");
	pair->standby.role = WIRE_STANDBY;
	pair->standby.disk_sectors[0]++;
	assert_refused(pair, WIRE_BYE_WRONG_VM, "disk 0 has 2048 sectors here and 2049 there");
	pair->standby.disks = 0;
	assert_refused(pair, WIRE_BYE_WRONG_VM, "the VM has 1 disks here and 0 there");
}

static void a_primary_left_behind_is_refused(void **state)
{
	struct pair *pair = *state;

	pair->standby.generation = 4;
	assert_refused(pair, WIRE_BYE_GENERATION,
	               "the primary is of generation 3, the standby of 4");
}

static void hellos_that_cannot_be_are_refused(void **state)
{
	struct pair *pair = *state;
	struct wire_hello bad, got;

	assert_int_equal(parse(&pair->primary, sizeof(bad), &got), 0);
	assert_int_equal(parse(&pair->primary, sizeof(bad) - 1, &got), -EPROTO);
	assert_int_equal(parse(&pair->primary, 3, &got), -EPROTO);
	assert_int_equal(parse(NULL, 0, &got), -EPROTO);
	bad = pair->primary, bad.role = 3;
	assert_int_equal(parse(&bad, sizeof(bad), &got), -EPROTO);
	bad = pair->primary, bad.body_max = 100;
	assert_int_equal(parse(&bad, sizeof(bad), &got), -EPROTO);
	bad = pair->primary, bad.memory_pages = WIRE_GFN_MAX + 1;
	assert_int_equal(parse(&bad, sizeof(bad), &got), -EPROTO);
	bad = pair->primary, bad.disks = WIRE_DISKS_MAX + 1;
	assert_int_equal(parse(&bad, sizeof(bad), &got), -EPROTO);
	bad = pair->primary, bad.disks = UINT32_MAX;
	assert_int_equal(parse(&bad, sizeof(bad), &got), -EPROTO);
	bad = pair->primary, bad.disk_sectors[0] = UINT64_MAX;
	assert_int_equal(parse(&bad, sizeof(bad), &got), -EPROTO);
	bad = pair->primary, memset(bad.name, 'x', sizeof(bad.name));
	assert_int_equal(parse(&bad, sizeof(bad), &got), -EPROTO);
	bad = pair->primary, strcpy(bad.host, "a\nb");
	assert_int_equal(parse(&bad, sizeof(bad), &got), -EPROTO);
	bad = pair->primary, bad.version_low = 2, bad.version_high = 1;
	assert_int_equal(parse(&bad, sizeof(bad), &got), -EPROTO);
}

#define PAIR_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PAIR_TEST(two_sides_agree),
		PAIR_TEST(another_series_is_not_resumed),
		PAIR_TEST(another_version_is_refused_in_words),
		PAIR_TEST(a_stranger_is_refused),
		PAIR_TEST(a_primary_left_behind_is_refused),
		PAIR_TEST(hellos_that_cannot_be_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
