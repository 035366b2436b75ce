/* Two guards of one VM against each other: real records, a real agent; workers, clock and cluster are fakes. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: fencing/guard/guard.c fencing/guard/cluster.c fencing/guard/orders.c fencing/arbiter/arbiter.c fencing/arbiter/moves.c fencing/arbiter/rules.c fencing/arbiter/beats.c fencing/arbiter/actions.c fencing/generation/writer.c fencing/generation/generation.c fencing/generation/record.c fencing/agent/fencer.c fencing/agent/agent.c common/states.c common/log.c tests/unit/fake_cluster.c */
/* libs: -lev -lxxhash -lpthread */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_cluster.h"
#include "fencing/guard/clock.h"
#include "fencing/guard/guard.h"

#define SECOND   1000000000ull
#define PATIENCE 120.0 /* s */
#define LEASE    400   /* ms */
#define WINDOW   4000  /* ms: more than lease, enforcement and two margins */

/* One host: what its worker would have been told to do. */
struct side {
	uint32_t id;
	struct side *peer;
	char folder[64];
	int fd;
	struct writer *writer;
	struct fencer *fencer;
	struct guard *guard;
	bool is_running; /* the VM runs here */
	bool has_copy;   /* complete */
	bool is_solo, is_held, is_paused;
	uint64_t lease;      /* until when acknowledged output may go out */
	struct right wanted; /* of a sync that is asked for */
	bool wants_sync, wants_dropped;
	unsigned int alarms[ALARM_COUNT], fenced;
	unsigned int syncs;
	int unprotected; /* 1: not called yet */
};

static struct ev_loop *loop;
static struct side b;
static struct side a = { .id = 1, .peer = &b }, b = { .id = 2, .peer = &a };
static bool is_link_up;

/* A clock that goes twice as fast as the real one, but never far at once: a machine that is busy with other things must
 * not look like one that slept. */
static uint64_t virtual_now = SECOND, real_then;

uint64_t guard_now(void)
{
	return virtual_now;
}

static void advance(void)
{
	struct timespec time;
	uint64_t real, passed;

	clock_gettime(CLOCK_MONOTONIC, &time);
	real = (uint64_t)time.tv_sec * SECOND + (uint64_t)time.tv_nsec;
	passed = 2 * (real - real_then);
	virtual_now += passed < SECOND / 25 ? passed : SECOND / 25;
	real_then = real;
}

/* I5, at each call: output of two copies of the VM never goes out at once. */
static bool lets_out(const struct side *side)
{
	return side->is_running && !side->is_held && (side->is_solo || guard_now() < side->lease);
}

static void check(void)
{
	assert_false(lets_out(&a) && lets_out(&b));
}

/* --- the workers --- */

static void on_lease(void *data, uint64_t until)
{
	struct side *side = data;

	side->lease = until;
	side->is_solo = side->is_held = false;
	check();
}

static void on_solo(void *data)
{
	struct side *side = data;

	side->is_solo = true;
	side->is_held = false;
	check();
}

static void on_hold(void *data)
{
	struct side *side = data;

	side->is_held = true;
}

static void on_beat(void *data, struct right right, uint64_t number, uint64_t heard)
{
	struct side *side = data, *peer = side->peer;

	if (!is_link_up || !peer->guard)
		return;
	if (side->is_running)
		guard_beat(peer->guard, right, number, heard);
	else
		guard_reply(peer->guard, right, number, heard);
}

static void on_sync(void *data, uint32_t peer, struct right right)
{
	struct side *side = data;

	assert_int_equal(peer, side->peer->id);
	side->wanted = right;
	side->wants_sync = true;
	side->syncs++;
}

static void on_take_over(void *data, uint64_t until)
{
	struct side *side = data;
	bool is_in_time = side->has_copy && guard_now() < until;

	side->is_running = is_in_time;
	side->is_solo = false;
	side->is_held = true;
	guard_activated(side->guard, is_in_time);
}

static void on_drop(void *data)
{
	struct side *side = data;

	side->is_running = side->has_copy = side->wants_sync = false;
	side->wants_dropped = true;
}

static void on_start(void *data)
{
	struct side *side = data;

	side->is_running = true;
	guard_started(side->guard, true);
}

static void on_flush(void *data)
{
	struct side *side = data;

	side->is_paused = true;
	guard_flushed(side->guard, is_link_up);
}

static void on_resume(void *data)
{
	struct side *side = data;

	side->is_paused = false;
}

static void on_alarm(void *data, enum alarm alarm)
{
	struct side *side = data;

	side->alarms[alarm]++;
}

static void on_changed(void *data)
{
	check();
}

static void on_unprotected(void *data, int err)
{
	struct side *side = data;

	side->unprotected = err;
}

static const struct guard_ops ops = {
	.lease = on_lease,
	.solo = on_solo,
	.hold = on_hold,
	.beat = on_beat,
	.sync = on_sync,
	.take_over = on_take_over,
	.drop = on_drop,
	.start = on_start,
	.flush = on_flush,
	.resume = on_resume,
	.alarm = on_alarm,
	.changed = on_changed,
	.unprotected = on_unprotected,
};

/* What takes workers a while. */
static void work(struct side *side)
{
	if (side->wants_dropped && side->guard) {
		side->wants_dropped = false;
		guard_dropped(side->guard);
	}
	if (!side->wants_sync || !is_link_up || !side->guard || !side->peer->guard)
		return;
	side->wants_sync = false;
	side->peer->has_copy = true;
	guard_synced(side->peer->guard, side->wanted, true);
	guard_synced(side->guard, side->wanted, true);
}

/* --- life --- */

static const char agent_script[] =
	"#!/bin/sh\n"
	"while read -r line; do\n"
	"	case $line in folder=*) folder=${line#*=} ;; action=*) action=${line#*=} ;; esac\n"
	"done\n"
	"case $action in off) : >\"$folder/off\" ;; status) [ ! -e \"$folder/off\" ] || exit 2 ;; esac\n";

int cluster_name(struct cluster *cluster, uint32_t id, char name[CLUSTER_NAME_SIZE])
{
	strcpy(name, "peer");
	return 0;
}

static void open_folder(struct side *side)
{
	strcpy(side->folder, "/tmp/test_guard.XXXXXX");
	assert_non_null(mkdtemp(side->folder));
	side->fd = open(side->folder, O_RDONLY | O_DIRECTORY);
	assert_true(side->fd >= 0);
	assert_int_equal(writer_open(loop, side->fd, &side->writer), 0);
	assert_int_equal(fencer_open(loop, &side->fencer), 0);
}

static void give_agent(struct side *side)
{
	struct agent agent = { .timeout = 60000 };
	int fd = openat(side->fd, ".agent", O_WRONLY | O_CREAT | O_TRUNC, 0755);

	assert_int_equal(write(fd, agent_script, sizeof(agent_script) - 1),
	                 (ssize_t)sizeof(agent_script) - 1);
	close(fd);
	snprintf(agent.program, sizeof(agent.program), "%s/.agent", side->folder);
	snprintf(agent.options, sizeof(agent.options), "folder=%s\n", side->folder);
	assert_int_equal(fencer_set(side->fencer, "peer", &agent, 1), 0);
}

static void start_remusd(struct side *side)
{
	const struct guard_shared shared = { loop, side->writer, fake_cluster_of(side->id),
		                             side->fencer };
	const struct guard_settings settings = { .name = side == &a ? "vm at a" : "vm at b",
		                                 .vm = "VM",
		                                 .peer = side->peer->id,
		                                 .is_running = side->is_running || side->has_copy,
		                                 .times = { .lease = LEASE, .window = WINDOW } };

	side->is_held =
		true; /* a worker whose remusd has gone lets nothing new out after its lease */
	assert_int_equal(guard_open(&shared, &settings, &ops, side, &side->guard), 0);
	guard_start(side->guard);
}

static void stop_remusd(struct side *side)
{
	if (side->guard)
		guard_close(side->guard);
	side->guard = NULL;
}

static void power_off(struct side *side)
{
	stop_remusd(side);
	side->is_running = side->has_copy = side->wants_sync = side->is_solo = false;
	fake_cluster_set_alive(side->id, false);
}

static void power_on(struct side *side)
{
	fake_cluster_set_alive(side->id, true);
	start_remusd(side);
}

static void forget(struct side *side)
{
	struct side *peer = side->peer;
	uint32_t id = side->id;

	*side = (struct side){ .id = id, .peer = peer, .unprotected = 1 };
}

static int set_up(void **state)
{
	is_link_up = true;
	forget(&a);
	forget(&b);
	open_folder(&a);
	open_folder(&b);
	fake_cluster_begin(loop);
	return 0;
}

static void close_folder(struct side *side)
{
	struct dirent *entry;
	DIR *folder;

	stop_remusd(side);
	writer_close(side->writer);
	fencer_close(side->fencer);
	folder = fdopendir(side->fd);
	while ((entry = readdir(folder)))
		unlinkat(dirfd(folder), entry->d_name, 0);
	closedir(folder);
	rmdir(side->folder);
}

static int tear_down(void **state)
{
	close_folder(&a);
	close_folder(&b);
	fake_cluster_end(loop);
	return 0;
}

/* --- waiting --- */

static void on_tick(struct ev_loop *ended, ev_timer *timer, int events)
{
	advance();
	work(&a);
	work(&b);
	check();
	ev_break(ended, EVBREAK_ONE);
}

static void run_once(void)
{
	ev_timer tick;

	ev_timer_init(&tick, on_tick, 0.005, 0.);
	ev_now_update(loop);
	ev_timer_start(loop, &tick);
	ev_run(loop, 0);
	ev_timer_stop(loop, &tick);
}

static void run_for(double seconds)
{
	uint64_t end = guard_now() + (uint64_t)(seconds * 1e9);

	while (guard_now() < end)
		run_once();
}

static enum arbiter_state state_of(const struct side *side)
{
	struct guard_status status;

	guard_status(side->guard, &status);
	return status.state;
}

static void wait_state(const struct side *side, enum arbiter_state state)
{
	uint64_t end = guard_now() + (uint64_t)(PATIENCE * 1e9);

	while (state_of(side) != state && guard_now() < end)
		run_once();
	assert_int_equal(state_of(side), state);
}

static struct record record_of(const struct side *side)
{
	struct guard_status status;

	guard_status(side->guard, &status);
	return status.record;
}

static void assert_record(const struct side *side, enum situation situation, uint64_t generation,
                          uint64_t round)
{
	struct record record = record_of(side);

	assert_int_equal(record.situation, situation);
	assert_int_equal(record.right.generation, generation);
	assert_int_equal(record.right.round, round);
}

static void protect(void)
{
	const char *why = NULL;

	a.is_running = true;
	start_remusd(&a);
	start_remusd(&b);
	run_for(0.1);
	assert_int_equal(guard_protect(a.guard, 2, &why), 0);
	wait_state(&a, ARBITER_REPLICATING);
	wait_state(&b, ARBITER_IN_SYNC);
	assert_record(&a, SITUATION_REPLICATING, 1, 1);
	assert_record(&b, SITUATION_IN_SYNC, 1, 1);
	assert_true(lets_out(&a));
	run_for(1);
	assert_int_equal(state_of(&a), ARBITER_REPLICATING);
}

/* --- tests --- */

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
