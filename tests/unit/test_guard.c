/* Two guards of one VM against each other: real records, a real agent; workers, clock and cluster are fakes. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: fencing/guard/guard.c fencing/guard/cluster.c fencing/guard/orders.c fencing/arbiter/arbiter.c fencing/arbiter/moves.c fencing/arbiter/rules.c fencing/arbiter/beats.c fencing/arbiter/actions.c fencing/generation/writer.c fencing/generation/generation.c fencing/generation/record.c fencing/agent/fencer.c fencing/agent/agent.c common/states.c common/log.c tests/unit/fake_cluster.c tests/unit/two_guards.c */
/* libs: -lev -lxxhash -lpthread */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "fencing/guard/clock.h"
#include "tests/unit/two_guards.h"

/* The whole round: a dies, b takes over, a returns and becomes standby, dies again, b goes on alone. */
static void who_dies_is_replaced_and_comes_back(void **state)
{
	uint64_t lease;

	protect();
	lease = a.lease;
	power_off(&a);
	wait_state(&b, ARBITER_SOLO);
	assert_true(guard_now() > lease);
	assert_record(&b, SITUATION_SOLO, 2, 0);
	assert_true(b.is_running && b.is_solo && !b.is_held);
	assert_int_equal(b.alarms[ALARM_TOOK_OVER], 1);

	power_on(&a);
	wait_state(&b, ARBITER_REPLICATING);
	wait_state(&a, ARBITER_IN_SYNC);
	assert_true(a.alarms[ALARM_OUTDATED] && !a.is_running);
	assert_record(&b, SITUATION_REPLICATING, 2, 1);

	power_off(&a);
	wait_state(&b, ARBITER_SOLO);
	assert_true(b.alarms[ALARM_HELD] && lets_out(&b));
	assert_record(&b, SITUATION_SOLO, 2, 1);
}

/* A primary that is cut off holds, and when it is back gives way. */
static void who_is_cut_off_gives_way(void **state)
{
	protect();
	is_link_up = false;
	fake_cluster_set_cut(1, true);
	wait_state(&a, ARBITER_HOLDING);
	assert_false(lets_out(&a));
	wait_state(&b, ARBITER_SOLO);
	assert_int_equal(state_of(&a), ARBITER_HOLDING);
	is_link_up = true;
	fake_cluster_set_cut(1, false);
	wait_state(&a, ARBITER_IN_SYNC);
	assert_int_equal(a.alarms[ALARM_DROPPED], 1);
	assert_false(a.is_running);
	wait_state(&b, ARBITER_REPLICATING);
	assert_record(&b, SITUATION_REPLICATING, 2, 1);
}

/* The replication link alone: the standby steps back by its word, long before its window is over. */
static void a_cut_link_leaves_the_primary(void **state)
{
	uint64_t begin;

	protect();
	is_link_up = false;
	begin = guard_now();
	wait_state(&a, ARBITER_SOLO);
	assert_true(guard_now() - begin < WINDOW * 1000000ull || b.alarms[ALARM_OUTDATED]);
	wait_state(&b, ARBITER_OUTDATED);
	is_link_up = true;
	wait_state(&a, ARBITER_REPLICATING);
	wait_state(&b, ARBITER_IN_SYNC);
	assert_record(&a, SITUATION_REPLICATING, 1, 2);
}

/* Times that change stay as they were while a standby counts on them, and no standby is made before both hosts have the same. */
static void other_times_want_both_hosts(void **state)
{
	const struct guard_times longer = { .lease = LEASE, .window = WINDOW + 1000 };

	protect();
	guard_reconfigure(a.guard, &longer);
	run_for(1.);
	assert_int_equal(state_of(&a), ARBITER_REPLICATING);
	is_link_up = false;
	wait_state(&a, ARBITER_SOLO); /* by the standby's word */
	wait_state(&b, ARBITER_OUTDATED);
	is_link_up = true;
	run_for(6.);
	assert_int_equal(state_of(&a), ARBITER_SOLO);
	guard_reconfigure(b.guard, &longer);
	wait_state(&a, ARBITER_REPLICATING);
	wait_state(&b, ARBITER_IN_SYNC);
	/* The other way round: the standby changes first. */
	guard_reconfigure(b.guard, &(struct guard_times){ .lease = LEASE, .window = WINDOW });
	is_link_up = false;
	wait_state(&a, ARBITER_SOLO);
	is_link_up = true;
	run_for(6.);
	assert_int_equal(state_of(&a), ARBITER_SOLO);
	guard_reconfigure(a.guard, &(struct guard_times){ .lease = LEASE, .window = WINDOW });
	wait_state(&a, ARBITER_REPLICATING);
}

/* Two hosts without a quorum device: only the agent makes a proof. */
static void an_agent_proves_it(void **state)
{
	const char *why = NULL;

	fake_cluster_decides = false;
	fake_cluster_set_alive(3, false);
	a.is_running = true;
	start_remusd(&a);
	start_remusd(&b);
	assert_int_equal(guard_protect(a.guard, 2, &why), -EPERM);
	assert_non_null(strstr(why, "--accept-split-brain"));
	stop_remusd(&a);
	stop_remusd(&b);
	give_agent(&a);
	give_agent(&b);
	protect();
	power_off(&a);
	wait_state(&b, ARBITER_SOLO);
	assert_int_equal(faccessat(b.fd, "off", F_OK, 0), 0);
	assert_record(&b, SITUATION_SOLO, 2, 0);
}

/* It is started again while the VM runs on: nobody takes over from a host that is there. */
static void a_restarted_remusd_goes_on(void **state)
{
	protect();
	stop_remusd(&a);
	fake_cluster_set_daemon(1, false);
	run_for(0.2);
	fake_cluster_set_daemon(1, true);
	start_remusd(&a);
	wait_state(&a, ARBITER_REPLICATING);
	assert_true(a.is_running && !b.is_running);
	assert_int_equal(record_of(&a).right.generation, 1);
}

static void a_switch_over_is_without_loss(void **state)
{
	protect();
	assert_int_equal(guard_switch_over(b.guard), -EBUSY);
	assert_int_equal(guard_switch_over(a.guard), 0);
	wait_state(&b, ARBITER_REPLICATING);
	wait_state(&a, ARBITER_IN_SYNC);
	assert_true(b.is_running && !a.is_running);
	assert_record(&b, SITUATION_REPLICATING, 2, 1);
}

static bool has_record(const struct side *side)
{
	struct record record;

	return generation_read(side->fd, "564d0000-0000-0000-0000-000000000000", &record) !=
	       -ENOENT;
}

static void the_end_of_protection_leaves_no_record(void **state)
{
	protect();
	assert_true(has_record(&a) && has_record(&b));
	assert_int_equal(guard_unprotect(b.guard), -EBUSY);
	assert_int_equal(guard_unprotect(a.guard), 0);
	for (int i = 0; i < 10000 && a.unprotected == 1; i++)
		run_once();
	assert_int_equal(a.unprotected, 0);
	assert_true(lets_out(&a) && a.is_solo);
	assert_int_equal(a.syncs, 1);
	assert_false(has_record(&a));
	wait_state(&b, ARBITER_OUTDATED);
	assert_int_equal(guard_unprotect(b.guard), 0);
	for (int i = 0; i < 10000 && b.unprotected == 1; i++)
		run_once();
	assert_false(has_record(&b));
}

/* What is damaged is not taken for nothing. */
static void a_damaged_record_stops_it(void **state)
{
	const struct guard_shared shared = { loop, a.writer, fake_cluster_of(1), a.fencer };
	const struct guard_settings settings = { .name = "vm", .vm = "VM", .peer = 2 };
	struct guard *guard;
	int fd = openat(a.fd, "564d0000-0000-0000-0000-000000000000", O_WRONLY | O_CREAT, 0600);

	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
	assert_int_equal(guard_open(&shared, &settings, &ops, &a, &guard), -EBADMSG);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_dies_is_replaced_and_comes_back),
		TEST(who_is_cut_off_gives_way),
		TEST(a_cut_link_leaves_the_primary),
		TEST(other_times_want_both_hosts),
		TEST(an_agent_proves_it),
		TEST(a_restarted_remusd_goes_on),
		TEST(a_switch_over_is_without_loss),
		TEST(the_end_of_protection_leaves_no_record),
		TEST(a_damaged_record_stops_it),
	};

	loop = ev_default_loop(EVFLAG_AUTO);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
