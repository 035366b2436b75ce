/* Schedules of a simulated pair: random steps from a seed, and what holds after each. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"

#define STEPS_MAX 600u
/* Without faults a pair of any state is in sync and has released what was held after so many steps. */
#define HEALING_STEPS 4000u

static struct {
	uint64_t seed, random;
	uint64_t step, now;
	struct sim_guest guest;
	struct sim_shadow shadow;
	struct sim_link link;
	struct primary *primary; /* NULL: its worker is dead */
	struct standby *standby;
	uint64_t checked; /* the last epoch found right in the shadow */
	uint64_t due;
	uint32_t fault_rate; /* a step in so many; 0: none */
	struct sim_totals *totals;
} sim;

/* --- chance --- */

void sim_seed(uint64_t seed)
{
	sim.seed = seed;
	sim.random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

uint64_t sim_random(void)
{
	uint64_t mixed;

	sim.random += UINT64_C(0x9e3779b97f4a7c15);
	mixed = (sim.random ^ sim.random >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
	return mixed ^ mixed >> 31;
}

bool sim_once_in(uint32_t times)
{
	return sim_random() % times == 0;
}

void sim_fail(const char *what, const char *file, int line)
{
	printf("seed %llu, step %llu: %s (%s:%d)\n", (unsigned long long)sim.seed,
	       (unsigned long long)sim.step, what, file, line);
	exit(1);
}

static uint64_t draw(void *data)
{
	(void)data;
	return sim_random() | 1;
}

/* --- beginnings --- */

static void fill_hello(struct wire_hello *hello, enum wire_role role)
{
	hello_init(hello);
	hello->role = role;
	hello->body_max = 64u << 10;
	hello->memory_pages = role == WIRE_PRIMARY ? SIM_PAGES : 0;
	hello->staged_max = role == WIRE_STANDBY ? 256u << 10 : 0;
	hello->generation = 1;
	hello->vm[0] = 1;
	strcpy(hello->name, "vm");
	strcpy(hello->host, role == WIRE_PRIMARY ? "a" : "b");
	hello->disks = 1;
	hello->disk_sectors[0] = SIM_SECTORS;
}

static void start_primary(void)
{
	struct primary_settings settings = {
		.who = "primary",
		.pace = { .longest = 8, .shortest = 1, .dirty_pages = 4, .in_flight = 3 },
		.kept_bytes = 4096u << 2 * (sim_random() % 3),
		.small_pages = 2,
		.last = sim.guest.open - 1,
		.is_held = sim.guest.is_holding,
		.draw = draw,
	};

	fill_hello(&settings.hello, WIRE_PRIMARY);
	sim.primary = primary_new(&sim.guest.vm, &settings, sim.now);
	sim.due = sim.now;
}

static void start_standby(void)
{
	struct standby_settings settings = { .who = "standby" };

	fill_hello(&settings.hello, WIRE_STANDBY);
	sim.standby = standby_new(&sim.shadow.sink, &settings);
	world.standby = sim.standby;
	sim.checked = 0;
}

/* --- what must hold --- */

static void check_shadow(void)
{
	const struct standby_states *states = standby_states_of(sim.standby);
	bool is_new = states->machine.current == STANDBY_READY && states->committed != sim.checked;

	marks_check(&sim.guest, &sim.shadow);
	if (standby_states_last(states)) {
		const struct sim_snapshot *whole = guest_snapshot(&sim.guest, states->whole);

		SIM_CHECK(whole, "an epoch that was never captured");
		world.covered = whole->state.sent;
	}
	/* What a base has left is no epoch: the first on top of it is. */
	if (is_new) {
		shadow_check(&sim.shadow, guest_snapshot(&sim.guest, states->committed));
		sim.totals->epochs++;
	}
	if (is_new || states->machine.current == STANDBY_BASE)
		sim.checked = states->committed;
}

/* --- steps --- */

static void run_primary(void)
{
	if (!sim.primary)
		return;
	sim.due = primary_run(sim.primary, sim.now);
}

static void hear_primary(void)
{
	struct frame frame;
	const char *why = "";
	int got;

	if (!sim.primary || !primary_has_peer(sim.primary))
		return;
	got = link_receive(&sim.link.primary, &frame, &why);
	if (got > 0)
		primary_frame(sim.primary, &frame, sim.now);
	else if (got < 0)
		primary_lost(sim.primary, why);
}

static void hear_standby(void)
{
	struct frame frame;
	const char *why = "";
	int got;

	if (!standby_has_peer(sim.standby))
		return;
	got = link_receive(&sim.link.standby, &frame, &why);
	if (got > 0)
		standby_frame(sim.standby, &frame);
	else if (got < 0)
		standby_lost(sim.standby, why);
}

static void connect_both(void)
{
	if (!sim.primary || primary_has_peer(sim.primary) || standby_has_peer(sim.standby))
		return;
	sim.totals->resumed += primary_states_of(sim.primary)->machine.current == PRIMARY_WAITING;
	link_open(&sim.link);
	standby_connected(sim.standby, &sim.link.standby.peer);
	if (sim.link.standby.is_open || sim.link.primary.count)
		primary_connected(sim.primary, &sim.link.primary.peer);
}

/* Both find out about a dead link, each when it listens; one may be deaf for long. */
static void kill_primary_worker(void)
{
	if (!sim.primary)
		return;
	link_cut(&sim.link);
	primary_lost(sim.primary, "killed");
	primary_free(sim.primary);
	sim.primary = NULL;
	guest_abandon(&sim.guest);
}

static void kill_standby_worker(void)
{
	link_cut(&sim.link);
	standby_lost(sim.standby, "killed");
	standby_free(sim.standby);
	start_standby();
}

/* The arbiter: the standby gives its copy up, durably; only then the primary goes on alone. */
static void go_solo(void)
{
	if (!sim.primary || standby_outdate(sim.standby))
		return;
	sim.checked = 0;
	primary_solo(sim.primary);
}

static void pass_time(void)
{
	sim.now += 1 + sim_random() % 8;
}

static void fault_step(void)
{
	switch (sim_random() % 16) {
	case 0:
	case 1:
		link_cut(&sim.link);
		break;
	case 2:
		link_corrupt(&sim.link.standby);
		break;
	case 3:
		link_corrupt(&sim.link.primary);
		break;
	case 4:
		link_truncate(sim_once_in(2) ? &sim.link.standby : &sim.link.primary);
		break;
	case 5:
		kill_primary_worker();
		break;
	case 6:
		kill_standby_worker();
		break;
	case 7:
		go_solo();
		break;
	case 8:
	case 9:
		sim.guest.fault_rate = sim_once_in(2) ? 20 : 0;
		break;
	case 10:
	case 11:
		sim.shadow.fault_rate = sim_once_in(2) ? 20 : 0;
		break;
	default:
		break;
	}
}

static void step(void)
{
	uint64_t dice = sim_random() % 64;

	sim.step++;
	sim.totals->steps++;
	if (sim.fault_rate && sim_once_in(sim.fault_rate))
		fault_step();
	if (dice < 10)
		guest_step(&sim.guest);
	else if (dice < 30)
		run_primary();
	else if (dice < 34)
		hear_primary();
	else if (dice < 48)
		hear_standby();
	else if (dice < 52)
		standby_run(sim.standby);
	else if (dice < 58)
		pass_time();
	else if (dice < 60)
		connect_both();
	else if (dice < 61 && (sim.guest.is_holding || sim.guest.is_attached) && sim.primary)
		primary_want(sim.primary);
	else if (dice < 62 && !sim.primary)
		start_primary();
	check_shadow();
}

/* --- ends --- */

/* The primary's host is gone for good, whatever it was doing. */
static void lose_primary_host(void)
{
	world.is_quiet = true;
	if (sim.primary) {
		link_cut(&sim.link);
		primary_lost(sim.primary, "its host died");
		primary_free(sim.primary);
		sim.primary = NULL;
	}
}

static void take_over(void)
{
	const struct standby_states *states = standby_states_of(sim.standby);
	bool is_ready = standby_states_last(states) != 0;
	bool is_broken = states->machine.current == STANDBY_BROKEN;
	uint64_t whole = states->whole;
	int err;

	lose_primary_host();
	err = standby_activate(sim.standby, 0);
	while (err && err != -ENODATA) {
		/* A disk that fails a commit must not let anything run; it may be tried again. */
		SIM_CHECK(!sim.shadow.active, "I6: a copy runs that is not whole");
		sim.shadow.fault_rate = 0;
		err = standby_activate(sim.standby, 0);
	}
	if (err) {
		SIM_CHECK(!is_ready && !is_broken, "a copy that was acknowledged does not run");
		sim.totals->refused_takeovers++;
		return;
	}
	SIM_CHECK(is_ready || is_broken, "I6: a copy runs that was not whole");
	SIM_CHECK(sim.shadow.active == whole, "another epoch runs than the last one");
	shadow_check(&sim.shadow, guest_snapshot(&sim.guest, whole));
	SIM_CHECK(world.arrived <= sim.shadow.state.sent,
	          "I1: the world has seen what the copy does not know of");
	sim.totals->takeovers++;
}

/* Whatever happened: with a link and without faults, epochs go on and what was held leaves. */
static void heal(void)
{
	uint64_t sent = sim.guest.state.sent;

	sim.fault_rate = sim.guest.fault_rate = sim.shadow.fault_rate = 0;
	for (unsigned int i = 0; i < HEALING_STEPS; i++) {
		step();
		if (sim.primary &&
		    primary_states_of(sim.primary)->machine.current == PRIMARY_RUNNING &&
		    world.arrived >= sent && standby_states_last(standby_states_of(sim.standby)))
			return;
	}
	sim_fail("it does not recover", __FILE__, __LINE__);
}

static void begin(uint64_t seed, struct sim_totals *totals)
{
	sim_seed(seed);
	sim.step = sim.now = 0;
	sim.totals = totals;
	sim.fault_rate = (uint32_t[]){ 0, 300, 100, 30 }[sim_random() % 4];
	world = (struct sim_world){ 0 };
	guest_init(&sim.guest);
	shadow_init(&sim.shadow);
	marks_begin(&sim.guest, &sim.shadow);
	start_standby();
	start_primary();
}

static void end(void)
{
	lose_primary_host();
	link_cut(&sim.link);
	standby_lost(sim.standby, "the end");
	standby_free(sim.standby);
	link_close(&sim.link);
}

void pair_run(uint64_t seed, struct sim_totals *totals)
{
	uint64_t steps;

	begin(seed, totals);
	connect_both();
	steps = sim_random() % STEPS_MAX;
	while (steps--)
		step();
	if (sim_once_in(3))
		heal();
	take_over();
	totals->schedules++;
	end();
}
