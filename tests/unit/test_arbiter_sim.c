/* Arbiters of two hosts against each other, with everything that goes wrong, on a clock moved by hand (I5, I6). */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: fencing/arbiter/arbiter.c fencing/arbiter/moves.c fencing/arbiter/rules.c fencing/arbiter/beats.c fencing/arbiter/actions.c fencing/generation/record.c common/states.c common/log.c tests/unit/arbiter_host.c tests/unit/arbiter_world.c */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/log.h"
#include "tests/unit/arbiter_world.h"

static void a_vm_gets_protected(void **state)
{
	world_begin(1, false, true);
	world_assert_protected();
	assert_int_equal(alarms[ALARM_PROTECTED], 1);
	assert_int_equal(alarms[ALARM_CONFLICT], 0);
}

static void crash_primary(bool has_agent, bool quorum_decides, uint64_t most)
{
	world_begin(2, has_agent, quorum_decides);
	world_assert_protected();
	world_say("a: killed");
	hosts[0].is_on = false;
	for (uint64_t begin = now; world_primary() != 1; world_run(STEP, false))
		if (now > begin + most)
			world_broken("nobody takes over");
	hosts[0].boot_at = now + 3000 * MS;
	world_run(10000 * MS, false);
	world_assert_protected();
	assert_int_equal(world_primary(), 1);
	assert_int_equal(takeovers, 1);
	assert_int_equal(hosts[1].record.right.generation, 2);
}

static void a_dead_primary_is_replaced_and_returns_as_standby(void **state)
{
	crash_primary(false, true, 4000 * MS);
	crash_primary(true, true, 4000 * MS);
	crash_primary(true, false, 8000 * MS);
}

static void a_dead_standby_is_gone_on_without(void **state)
{
	world_begin(3, false, true);
	world_say("b: killed");
	hosts[1].is_on = false;
	world_run(8000 * MS, false);
	assert_int_equal(arbiter_state(&hosts[0].arbiter), ARBITER_SOLO);
	hosts[1].boot_at = now;
	world_run(5000 * MS, false);
	world_assert_protected();
	assert_int_equal(takeovers, 0);
}

static void a_cut_of_replication_alone_ends_protection_not_the_vm(void **state)
{
	for (int way = 0; way < 3; way++) {
		world_begin(4 + (uint64_t)way, false, true);
		cut[REPLICATION][0] = way != 1;
		cut[REPLICATION][1] = way != 0;
		world_run(4000 * MS, false);
		assert_int_equal(arbiter_state(&hosts[0].arbiter), ARBITER_SOLO);
		assert_int_equal(arbiter_state(&hosts[1].arbiter), ARBITER_OUTDATED);
		world_mend();
		world_run(5000 * MS, false);
		world_assert_protected();
		assert_int_equal(takeovers, 0);
	}
}

static void a_cut_of_the_cluster_alone_changes_nothing(void **state)
{
	world_begin(8, false, true);
	cut[CLUSTER][0] = cut[CLUSTER][1] = true;
	world_run(20000 * MS, false);
	world_assert_protected();
	assert_int_equal(takeovers, 0);
}

static void a_switchover_and_back(void **state)
{
	world_begin(9, false, true);
	for (int from = 0; from < 2; from++) {
		host_tell(from, (struct arbiter_event){ .kind = EVENT_SWITCHOVER });
		world_run(4000 * MS, false);
		assert_int_equal(world_primary(), !from);
		world_assert_protected();
	}
	assert_int_equal(takeovers, 2);
}

static void all_powered_off_and_on(void **state)
{
	world_begin(10, false, true);
	hosts[0].is_on = hosts[1].is_on = false;
	hosts[0].boot_at = now + 9000 * MS;
	hosts[1].boot_at = now + 5000 * MS;
	world_run(20000 * MS, false);
	world_assert_protected();
	assert_int_equal(world_primary(), 0);
}

static void a_primary_cut_off_stays_silent_and_gives_way(void **state)
{
	world_begin(11, false, true);
	cut[REPLICATION][0] = cut[REPLICATION][1] = cut[CLUSTER][0] = cut[CLUSTER][1] = true;
	device_up[0] = false;
	world_run(6000 * MS, false);
	assert_true(hosts[1].has_vm && hosts[1].output == OUT_ALL);
	assert_true(hosts[0].has_vm && !host_may_let_out(&hosts[0]));
	world_mend();
	world_run(6000 * MS, false);
	world_assert_protected();
	assert_int_equal(world_primary(), 1);
	assert_int_equal(alarms[ALARM_DROPPED], 1);
}

/* The partition that has the device changes sides: the old primary must not go on by time alone. */
static void quorum_that_changes_sides_decides_nothing(void **state)
{
	world_begin(12, false, true);
	cut[REPLICATION][0] = cut[REPLICATION][1] = cut[CLUSTER][0] = cut[CLUSTER][1] = true;
	device_up[0] = false;
	world_run(5000 * MS, false);
	if (!hosts[1].has_vm)
		world_broken("nobody took over");
	hosts[1].is_on = false; /* dies with all that clients have seen since */
	device_up[0] = true;
	world_run(30000 * MS, false);
	assert_true(hosts[0].is_quorate);
	assert_int_equal(arbiter_state(&hosts[0].arbiter), ARBITER_HOLDING);
	assert_true(alarms[ALARM_UNDECIDED] >= 1);
	world_mend();
	hosts[1].boot_at = now;
	world_run(10000 * MS, false);
	world_assert_protected();
	assert_int_equal(world_primary(), 1);
}

/* The vote goes over as the window ends, and a naps, unnoticed, as it is due to hear of that. */
static void a_nap_hides_no_takeover(void **state)
{
	struct host *a = &hosts[0], *b = &hosts[1];
	uint64_t window_end;

	world_begin(13, false, true);
	cut[REPLICATION][1] = true;
	world_run(200 * MS, false);
	cut[REPLICATION][0] = cut[CLUSTER][0] = cut[CLUSTER][1] = true;
	device_up[1] = false;
	world_run(100 * MS, false);
	window_end = now + b->arbiter.window_end - host_clock(b);
	world_run(window_end - 80 * MS - now, false);
	assert_true(arbiter_state(&a->arbiter) == ARBITER_HOLDING && a->is_quorate);
	assert_int_equal(arbiter_state(&b->arbiter), ARBITER_ALONE);
	device_up[0] = false;
	device_up[1] = true;
	world_run(STEP, false);
	b->view_at = now;
	a->view_at = now + config.view_lag;
	world_run(540 * MS, false);
	assert_true(b->has_vm && b->output == OUT_ALL);
	for (uint64_t tick = a->next_tick; a->next_tick == tick;)
		world_run(STEP, false);
	a->view_at = now;
	a->is_hung = true;
	a->wake_at = now + 230 * MS;
	world_run(2000 * MS, false);
	assert_int_equal(arbiter_state(&a->arbiter), ARBITER_HOLDING);
}

static unsigned int misfortunes(bool has_agent, bool quorum_decides, uint64_t seeds)
{
	const char *first = getenv("SIM_FIRST");
	uint64_t seed = first ? strtoull(first, NULL, 10) : 1;
	unsigned int sum = 0;

	for (uint64_t end = seed + seeds; seed < end; seed++) {
		world_begin(seed, has_agent, quorum_decides);
		world_run(120000 * MS, true);
		world_mend();
		/* Progress: when all is mended, one runs, and the other protects it. */
		world_run(70000 * MS, false);
		if (!world_is_protected())
			world_broken("all is mended and it is not protected");
		sum += takeovers;
	}
	return sum;
}

static uint64_t seeds(void)
{
	const char *given = getenv("SIM_SEEDS");

	return given ? strtoull(given, NULL, 10) : 30;
}

static void misfortunes_with_quorum_and_lease(void **state)
{
	print_message("%u takeovers\n", misfortunes(false, true, seeds()));
}

static void misfortunes_with_quorum_and_an_agent(void **state)
{
	print_message("%u takeovers\n", misfortunes(true, true, seeds()));
}

static void misfortunes_of_two_nodes_with_an_agent(void **state)
{
	print_message("%u takeovers\n", misfortunes(true, false, seeds()));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_vm_gets_protected),
		cmocka_unit_test(a_dead_primary_is_replaced_and_returns_as_standby),
		cmocka_unit_test(a_dead_standby_is_gone_on_without),
		cmocka_unit_test(a_cut_of_replication_alone_ends_protection_not_the_vm),
		cmocka_unit_test(a_cut_of_the_cluster_alone_changes_nothing),
		cmocka_unit_test(a_switchover_and_back),
		cmocka_unit_test(all_powered_off_and_on),
		cmocka_unit_test(a_primary_cut_off_stays_silent_and_gives_way),
		cmocka_unit_test(quorum_that_changes_sides_decides_nothing),
		cmocka_unit_test(a_nap_hides_no_takeover),
		cmocka_unit_test(misfortunes_with_quorum_and_lease),
		cmocka_unit_test(misfortunes_with_quorum_and_an_agent),
		cmocka_unit_test(misfortunes_of_two_nodes_with_an_agent),
	};

	log_open("sim", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
