/* One view of the cluster is told when the ring has settled, and none that is old as if it were new. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: fencing/cluster/gather.c fencing/cluster/message.c */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fencing/cluster/gather.h"
#include "fencing/cluster/message.h"

#define MS  1000000ull
#define LAG 1000u

static struct gather gather;
static struct cluster_view view;
static struct cluster_change change;

static bool tells(uint64_t ms)
{
	return gather_tell(&gather, ms * MS, &view, &change);
}

static void hosts(uint64_t ms, unsigned int count, uint32_t a, uint32_t b, uint32_t c)
{
	const uint32_t ids[] = { a, b, c };

	gather_hosts(&gather, ids, count, ms * MS);
}

static void daemons(unsigned int count, uint32_t a, uint32_t b, uint32_t c)
{
	const uint32_t ids[] = { a, b, c };

	gather_daemons(&gather, ids, count);
}

/* Three hosts, settled at 1000 ms. */
static int settle(void **state)
{
	memset(&gather, 0, sizeof(gather));
	gather_begin(&gather, 1, LAG, true);
	hosts(900, 3, 1, 2, 3);
	gather_quorum(&gather, true);
	daemons(3, 1, 2, 3);
	assert_false(tells(950));
	gather_echo(&gather, 920 * MS);
	assert_true(tells(1000));
	assert_true(view.is_connected && view.is_quorate && change.is_anew);
	assert_int_equal(view.hosts.count, 3);
	assert_int_equal(view.daemons.count, 3);
	assert_false(tells(1001));
	return 0;
}

static void a_change_is_told_whole(void **state)
{
	gather_ring_changes(&gather, 1100 * MS);
	daemons(2, 1, 3, 0);
	assert_false(tells(1100));
	hosts(1101, 2, 1, 3, 0);
	gather_quorum(&gather, false); /* while votes are being counted */
	assert_false(tells(1102));
	gather_quorum(&gather, true);
	gather_echo(&gather, 1100 * MS); /* sent before the last news */
	assert_false(tells(1103));
	gather_echo(&gather, 1102 * MS);
	assert_true(tells(1104));
	assert_true(view.is_quorate && !change.is_anew);
	assert_int_equal(view.daemons.count, 2);
	assert_int_equal(change.went.count, 1);
	assert_int_equal(change.went.ids[0], 2);
	assert_int_equal(change.came.count, 0);
}

static void who_came_and_went_at_once_is_told(void **state)
{
	hosts(1100, 2, 1, 2, 0);
	hosts(1101, 3, 1, 2, 3);
	gather_echo(&gather, 1102 * MS);
	assert_true(tells(1103));
	assert_int_equal(view.hosts.count, 3);
	assert_true(cluster_nodes_have(&change.came, 3) && cluster_nodes_have(&change.went, 3));
}

static void lost_quorum_is_told_at_once(void **state)
{
	gather_quorum(&gather, false);
	assert_true(tells(1050));
	assert_false(view.is_quorate);
	gather_quorum(&gather, true);
	assert_true(tells(1060));
	assert_true(view.is_quorate && !change.is_anew);
}

static void a_daemon_that_goes_is_told_at_once(void **state)
{
	daemons(2, 1, 3, 0);
	assert_true(tells(1050));
	assert_true(view.is_quorate);
	assert_int_equal(view.hosts.count, 3);
	assert_false(cluster_nodes_have(&view.daemons, 2));
	assert_int_equal(change.went.count, 0);
}

static void what_is_old_is_no_quorum(void **state)
{
	assert_false(tells(1920));
	assert_true(tells(1921));
	assert_true(view.is_connected && !view.is_quorate);
	gather_echo(&gather, 2000 * MS);
	assert_true(tells(2001));
	assert_true(view.is_quorate);
}

/* A change that takes longer than a view may be old breaks quorum, however it ends. */
static void a_change_that_takes_too_long_breaks(void **state)
{
	hosts(1100, 2, 1, 3, 0);
	assert_true(tells(1921));
	assert_false(view.is_quorate);
	assert_int_equal(view.hosts.count, 3);
	gather_echo(&gather, 2500 * MS);
	assert_true(tells(2501));
	assert_true(view.is_quorate);
	assert_int_equal(view.hosts.count, 2);
	assert_int_equal(change.went.count, 1);
}

static void a_lost_connection_is_none(void **state)
{
	gather_end(&gather);
	assert_true(tells(1100));
	assert_false(view.is_connected || view.is_quorate);
	assert_int_equal(view.daemons.count, 0);
	assert_true(change.is_anew);
	gather_begin(&gather, 1, LAG, true);
	hosts(1200, 3, 1, 2, 3);
	gather_quorum(&gather, true);
	daemons(3, 1, 2, 3);
	assert_false(tells(1201));
	gather_echo(&gather, 1202 * MS);
	assert_true(tells(1203));
	assert_true(view.is_quorate && change.is_anew);
}

static void a_cluster_too_large_is_never_quorate(void **state)
{
	uint32_t ids[CLUSTER_NODES_MAX + 1];

	for (unsigned int i = 0; i <= CLUSTER_NODES_MAX; i++)
		ids[i] = i + 1;
	gather_hosts(&gather, ids, CLUSTER_NODES_MAX + 1, 1100 * MS);
	gather_echo(&gather, 1101 * MS);
	assert_true(tells(1102));
	assert_false(view.is_quorate);
	gather_hosts(&gather, ids, CLUSTER_NODES_MAX, 1200 * MS);
	gather_echo(&gather, 1201 * MS);
	assert_true(tells(1202));
	assert_true(view.is_quorate);
}

/* --- messages --- */

static const struct cluster_word word = {
	.vm = { 1, 2, 3 },
	.record = { SITUATION_OUTDATED, { 7, 3 }, 2 },
	.is_asking = true,
	.lease = 800000000,
	.enforcement = 1000000000,
	.window = 5000000000,
};

static void a_word_arrives_as_it_was_said(void **state)
{
	struct message message, read;
	struct cluster_word heard;

	message_word(&message, 2, &word);
	assert_int_equal(message_read(&read, &message, sizeof(message)), 0);
	assert_int_equal(read.to, 2);
	message_to_word(&read, &heard);
	assert_memory_equal(heard.vm, word.vm, sizeof(word.vm));
	assert_int_equal(heard.record.situation, SITUATION_OUTDATED);
	assert_int_equal(right_compare(heard.record.right, word.record.right), 0);
	assert_true(heard.is_asking);
	assert_int_equal(heard.lease, word.lease);
	assert_int_equal(heard.enforcement, word.enforcement);
	assert_int_equal(heard.window, word.window);
}

static void refuses(const struct message *message, size_t size, int err)
{
	struct message read;

	assert_int_equal(message_read(&read, message, size), err);
}

static void what_is_no_word_is_refused(void **state)
{
	struct message good, bad;

	message_word(&good, 2, &word);
	for (size_t size = 0; size < sizeof(good); size++)
		refuses(&good, size, -EBADMSG);
	bad = good, bad.version++;
	refuses(&bad, sizeof(bad), -EPROTONOSUPPORT);
	bad = good, bad.magic ^= 1;
	refuses(&bad, sizeof(bad), -EBADMSG);
	bad = good, bad.size++;
	refuses(&bad, sizeof(bad), -EBADMSG);
	bad = good, bad.kind = 3;
	refuses(&bad, sizeof(bad), -EBADMSG);
	bad = good, bad.situation = SITUATION_COUNT;
	refuses(&bad, sizeof(bad), -EBADMSG);
	bad = good, bad.is_asking = 2;
	refuses(&bad, sizeof(bad), -EBADMSG);
	bad = good, bad.generation = 1ull << 62;
	refuses(&bad, sizeof(bad), -EBADMSG);
	bad = good, bad.reserved = 1;
	refuses(&bad, sizeof(bad), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_change_is_told_whole, settle),
		cmocka_unit_test_setup(who_came_and_went_at_once_is_told, settle),
		cmocka_unit_test_setup(lost_quorum_is_told_at_once, settle),
		cmocka_unit_test_setup(a_daemon_that_goes_is_told_at_once, settle),
		cmocka_unit_test_setup(what_is_old_is_no_quorum, settle),
		cmocka_unit_test_setup(a_change_that_takes_too_long_breaks, settle),
		cmocka_unit_test_setup(a_lost_connection_is_none, settle),
		cmocka_unit_test_setup(a_cluster_too_large_is_never_quorate, settle),
		cmocka_unit_test(a_word_arrives_as_it_was_said),
		cmocka_unit_test(what_is_no_word_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
