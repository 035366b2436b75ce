/* Self-tests: one-shot timers, on this CPU and on the others. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "hw/apic.h"
#include "hw/cpu.h"
#include "hw/percpu.h"
#include "hw/timer.h"
#include "selftest/selftest.h"

/* A busy or emulated machine may run us late, but never early. */
#define LATE SECONDS(2)

/* A timer that notes when it fired, where, and as which in the row. */
struct witness {
	struct timer timer;
	nanos_t fired_at;
	unsigned cpu, rank, times;
};

static unsigned fired;

static nanos_t in(uint64_t nanoseconds)
{
	return NANOS(clock_now().v + nanoseconds);
}

static void note(struct timer *timer)
{
	struct witness *witness = CONTAINER_OF(timer, struct witness, timer);

	witness->fired_at = clock_now();
	witness->cpu = this_cpu()->id;
	witness->times++;
	witness->rank = __atomic_fetch_add(&fired, 1, __ATOMIC_RELEASE);
}

static void prepare(struct witness *witnesses, unsigned count)
{
	fired = 0;
	for (unsigned i = 0; i < count; i++) {
		witnesses[i] = (struct witness){ .times = 0 };
		timer_init(&witnesses[i].timer, note);
	}
}

static const char *order(void)
{
	static struct witness w[4];
	nanos_t base;

	prepare(w, 4);
	base = in(MILLISECONDS(2));
	timer_set(&w[2].timer, this_cpu(), NANOS(base.v + 2));
	timer_set(&w[0].timer, this_cpu(), base);
	timer_set(&w[3].timer, this_cpu(), NANOS(base.v + MILLISECONDS(3)));
	timer_set(&w[1].timer, this_cpu(), base);
	CHECK(selftest_wait(&fired, 4, LATE));
	for (unsigned i = 0; i < 4; i++)
		CHECK(w[i].rank == i && w[i].times == 1 && !w[i].timer.cpu);
	return NULL;
}

static const char *precision(void)
{
	static const uint64_t waits[] = { 1, 1000, 30000, MILLISECONDS(1), MILLISECONDS(60) };
	static struct witness w;
	uint64_t smallest = UINT64_MAX;

	for (unsigned i = 0; i < ARRAY_SIZE(waits); i++) {
		nanos_t expires;

		prepare(&w, 1);
		expires = in(waits[i]);
		timer_set(&w.timer, this_cpu(), expires);
		CHECK(selftest_wait(&fired, 1, LATE));
		CHECK(w.fired_at.v >= expires.v);
		smallest = MIN(smallest, w.fired_at.v - expires.v);
	}
	CHECK(smallest < MILLISECONDS(5));
	return NULL;
}

/* It fires from an interrupt, not from within timer_set. */
static const char *in_the_past(void)
{
	static struct witness w;

	prepare(&w, 1);
	timer_set(&w.timer, this_cpu(), NANOS(0));
	CHECK(fired == 0 && w.timer.cpu == this_cpu());
	CHECK(selftest_wait(&fired, 1, LATE));
	prepare(&w, 1);
	timer_set(&w.timer, this_cpu(), clock_now());
	CHECK(selftest_wait(&fired, 1, LATE));
	return NULL;
}

static const char *stop(void)
{
	static struct witness w[2];
	unsigned nothing = 0;

	prepare(w, 2);
	timer_set(&w[0].timer, this_cpu(), in(MILLISECONDS(1)));
	timer_set(&w[1].timer, this_cpu(), in(MILLISECONDS(2)));
	timer_stop(&w[0].timer);
	timer_stop(&w[0].timer);
	CHECK(!w[0].timer.cpu);
	CHECK(selftest_wait(&fired, 1, LATE));
	CHECK(!selftest_wait(&nothing, 1, MILLISECONDS(5)));
	CHECK(w[0].times == 0 && w[1].times == 1);
	return NULL;
}

static const char *move(void)
{
	static struct witness w[2];

	prepare(w, 2);
	timer_set(&w[0].timer, this_cpu(), in(SECONDS(1000)));
	timer_set(&w[1].timer, this_cpu(), in(SECONDS(2000)));
	timer_set(&w[1].timer, this_cpu(), in(MILLISECONDS(1)));
	CHECK(selftest_wait(&fired, 1, LATE));
	CHECK(w[1].times == 1 && w[0].times == 0);
	timer_set(&w[0].timer, cpus[cpu_count - 1], in(MILLISECONDS(1)));
	CHECK(selftest_wait(&fired, 2, LATE));
	CHECK(w[0].times == 1 && w[0].cpu == cpu_count - 1);
	return NULL;
}

/* Longer than the APIC's counter can hold: it is programmed in steps (waiting for one takes a while). */
static const char *long_wait(void)
{
	static struct witness w;
	uint64_t longest = UINT32_MAX * 1000000UL / apic_timer_khz();
	uint64_t wait = longest < SECONDS(6) ? longest + MILLISECONDS(5) : MILLISECONDS(5);

	prepare(&w, 1);
	timer_set(&w.timer, this_cpu(), in(wait));
	CHECK(selftest_wait(&fired, 1, wait + LATE));
	CHECK(w.fired_at.v >= w.timer.expires.v);
	prepare(&w, 1);
	timer_set(&w.timer, this_cpu(), NANOS(UINT64_MAX));
	CHECK(!selftest_wait(&fired, 1, MILLISECONDS(2)));
	timer_stop(&w.timer);
	return NULL;
}

static const char *on_other_cpus(void)
{
	static struct witness w[MAX_CPUS];

	prepare(w, cpu_count);
	for (unsigned i = 0; i < cpu_count; i++)
		timer_set(&w[i].timer, cpus[i], in(i % 2 ? 0 : MILLISECONDS(2)));
	CHECK(selftest_wait(&fired, cpu_count, LATE));
	for (unsigned i = 0; i < cpu_count; i++)
		CHECK(w[i].times == 1 && w[i].cpu == i && w[i].fired_at.v >= w[i].timer.expires.v);
	return NULL;
}

/* A timer that sets itself to the past is fired by another interrupt, not from within itself. */
static unsigned restarts, nested;
static bool is_firing;

static void set_again(struct timer *timer)
{
	nested += is_firing;
	is_firing = true;
	if (restarts < 99)
		timer_set(timer, this_cpu(), NANOS(1));
	is_firing = false;
	__atomic_fetch_add(&restarts, 1, __ATOMIC_RELEASE);
}

static const char *set_while_firing(void)
{
	static struct timer timer;

	timer_init(&timer, set_again);
	timer_set(&timer, this_cpu(), NANOS(1));
	CHECK(selftest_wait(&restarts, 100, LATE));
	CHECK(nested == 0);
	return NULL;
}

/* Every CPU sets, moves and stops timers of its own on all CPUs. */
#define STORM_TIMERS 16
#define STORM_LASTS  MILLISECONDS(100)

static struct storm {
	struct timer driver;
	unsigned round;
	struct timer timers[STORM_TIMERS];
} storms[MAX_CPUS];
static nanos_t storm_end;
static unsigned storms_done, storm_fired;

static void count_fired(struct timer *timer)
{
	(void)timer;
	__atomic_fetch_add(&storm_fired, 1, __ATOMIC_RELAXED);
}

static void drive(struct timer *timer)
{
	struct storm *storm = CONTAINER_OF(timer, struct storm, driver);

	storm->round++;
	if (clock_now().v > storm_end.v) {
		for (unsigned i = 0; i < STORM_TIMERS; i++)
			timer_stop(&storm->timers[i]);
		__atomic_fetch_add(&storms_done, 1, __ATOMIC_RELEASE);
		return;
	}
	for (unsigned i = 0; i < STORM_TIMERS; i++) {
		unsigned draw = storm->round * 7 + i * 13;

		if (draw % 5 == 0)
			timer_stop(&storm->timers[i]);
		else
			timer_set(&storm->timers[i], cpus[draw % cpu_count],
			          in(draw * 1000 % 90000));
	}
	timer_set(timer, this_cpu(), in(MICROSECONDS(50)));
}

static const char *storm_on_all_cpus(void)
{
	storm_end = in(STORM_LASTS);
	for (unsigned cpu = 0; cpu < cpu_count; cpu++) {
		for (unsigned i = 0; i < STORM_TIMERS; i++)
			timer_init(&storms[cpu].timers[i], count_fired);
		timer_init(&storms[cpu].driver, drive);
		timer_set(&storms[cpu].driver, cpus[cpu], in(MILLISECONDS(2)));
	}
	CHECK(selftest_wait(&storms_done, cpu_count, SECONDS(20)));
	CHECK(storm_fired > 0);
	for (unsigned cpu = 0; cpu < cpu_count; cpu++)
		for (unsigned i = 0; i < STORM_TIMERS; i++)
			CHECK(!storms[cpu].timers[i].cpu);
	return NULL;
}

/* All CPUs set one and the same timer, and it sets itself, until it is retired. */
static struct timer shared;
static bool shared_goes_on;
static unsigned shared_fired, setters_done;

static void set_shared_again(struct timer *timer)
{
	unsigned times = __atomic_add_fetch(&shared_fired, 1, __ATOMIC_RELAXED);

	if (__atomic_load_n(&shared_goes_on, __ATOMIC_SEQ_CST))
		timer_set(timer, cpus[times % cpu_count], in(times % 3 * 1000));
}

static void set_shared(struct timer *timer)
{
	(void)timer;
	for (unsigned i = 0; clock_now().v < storm_end.v; i++)
		timer_set(&shared, cpus[i % cpu_count], in(i % 5 * 1000));
	__atomic_fetch_add(&setters_done, 1, __ATOMIC_RELEASE);
}

static const char *shared_by_all_cpus(void)
{
	static struct timer setters[MAX_CPUS];
	unsigned before, nothing = 0;

	timer_init(&shared, set_shared_again);
	shared_goes_on = true;
	storm_end = in(STORM_LASTS);
	for (unsigned i = 0; i < cpu_count; i++) {
		timer_init(&setters[i], set_shared);
		timer_set(&setters[i], cpus[i], in(MILLISECONDS(1)));
	}
	CHECK(selftest_wait(&setters_done, cpu_count, SECONDS(20)));
	CHECK(selftest_wait(&shared_fired, 10, LATE));
	__atomic_store_n(&shared_goes_on, false, __ATOMIC_SEQ_CST);
	timer_retire(&shared);
	before = shared_fired;
	CHECK(!shared.cpu && !shared.firing);
	CHECK(!selftest_wait(&nothing, 1, MILLISECONDS(5)));
	CHECK(shared_fired == before);
	return NULL;
}

const struct selftest selftests_timers[] = {
	{ "timers_order", order },
	{ "timers_precision", precision },
	{ "timers_in_the_past", in_the_past },
	{ "timers_stop", stop },
	{ "timers_move", move },
	{ "timers_long_wait", long_wait },
	{ "timers_on_other_cpus", on_other_cpus },
	{ "timers_set_while_firing", set_while_firing },
	{ "timers_storm_on_all_cpus", storm_on_all_cpus },
	{ "timers_shared_by_all_cpus", shared_by_all_cpus },
	{ NULL, NULL },
};
