/* Two guards of one VM on a clock that does not jump; workers and cluster are fakes. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fencing/guard/clock.h"
#include "tests/unit/two_guards.h"

struct ev_loop *loop;
struct side a = { .id = 1, .peer = &b }, b = { .id = 2, .peer = &a };
bool is_link_up;

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

bool lets_out(const struct side *side)
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

const struct guard_ops ops = {
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

void give_agent(struct side *side)
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

void start_remusd(struct side *side)
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

void stop_remusd(struct side *side)
{
	if (side->guard)
		guard_close(side->guard);
	side->guard = NULL;
}

void power_off(struct side *side)
{
	stop_remusd(side);
	side->is_running = side->has_copy = side->wants_sync = side->is_solo = false;
	fake_cluster_set_alive(side->id, false);
}

void power_on(struct side *side)
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

int set_up(void **state)
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

int tear_down(void **state)
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

void run_once(void)
{
	ev_timer tick;

	ev_timer_init(&tick, on_tick, 0.005, 0.);
	ev_now_update(loop);
	ev_timer_start(loop, &tick);
	ev_run(loop, 0);
	ev_timer_stop(loop, &tick);
}

void run_for(double seconds)
{
	uint64_t end = guard_now() + (uint64_t)(seconds * 1e9);

	while (guard_now() < end)
		run_once();
}

enum arbiter_state state_of(const struct side *side)
{
	struct guard_status status;

	guard_status(side->guard, &status);
	return status.state;
}

void wait_state(const struct side *side, enum arbiter_state state)
{
	uint64_t end = guard_now() + (uint64_t)(PATIENCE * 1e9);

	while (state_of(side) != state && guard_now() < end)
		run_once();
	assert_int_equal(state_of(side), state);
}

struct record record_of(const struct side *side)
{
	struct guard_status status;

	guard_status(side->guard, &status);
	return status.record;
}

void assert_record(const struct side *side, enum situation situation, uint64_t generation,
                   uint64_t round)
{
	struct record record = record_of(side);

	assert_int_equal(record.situation, situation);
	assert_int_equal(record.right.generation, generation);
	assert_int_equal(record.right.round, round);
}

void protect(void)
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
