/* Self-tests: system time, its speed, and that it never goes back. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "hw/acpi.h"
#include "hw/calibrate.h"
#include "hw/cpu.h"
#include "hw/ipi.h"
#include "hw/lock.h"
#include "hw/percpu.h"
#include "hw/port.h"
#include "hw/timer.h"
#include "selftest/selftest.h"

#define PM_TIMER_HZ 3579545

static struct lock lock = LOCK_INIT(LOCK_HEAP);
static uint64_t latest, worst_step_back;

static void read_in_turn(void *unused)
{
	uint64_t end = clock_now().v + MILLISECONDS(30), now;

	(void)unused;
	do {
		lock_take(&lock);
		now = clock_now().v;
		if (now < latest && latest - now > worst_step_back)
			worst_step_back = latest - now;
		latest = now;
		lock_release(&lock);
	} while (now < end);
}

static const char *monotonic(void)
{
	ipi_call(selftest_all_cpus(), read_in_turn, NULL);
	CHECK(worst_step_back == 0);
	return NULL;
}

static uint32_t read_pm_timer(void)
{
	return inl((uint16_t)acpi.pm_timer_port) & 0xffffff;
}

/* Against the PM timer once more, for longer than the calibration took: within 200 ppm. */
static const char *speed(void)
{
	struct calibrate_sample first, last;
	uint64_t by_us, by_timer;

	if (!acpi.pm_timer_port)
		return NULL;
	first = calibrate_sample(read_pm_timer);
	clock_delay(MILLISECONDS(300));
	last = calibrate_sample(read_pm_timer);
	by_us = clock_scale_apply(clock_scale(), last.tsc - first.tsc);
	by_timer = ((last.count - first.count) & 0xffffffUL) * SECONDS(1) / PM_TIMER_HZ;
	CHECK(by_us > by_timer - by_timer / 5000);
	CHECK(by_us < by_timer + by_timer / 5000);
	return NULL;
}

static const char *scale_arithmetic(void)
{
	struct clock_scale half = { .multiplier = 0x80000000, .shift = 0 };
	struct clock_scale left = { .multiplier = 0x80000000, .shift = 3 };
	struct clock_scale right = { .multiplier = 0xffffffff, .shift = -2 };

	CHECK(clock_scale_apply(half, 10) == 5);
	CHECK(clock_scale_apply(left, 10) == 40);
	CHECK(clock_scale_apply(right, 40) == 9);
	CHECK(clock_scale_apply(half, ~0UL) == ~0UL >> 1);
	CHECK(clock_scale_apply(half, 0) == 0);
	return NULL;
}

static const char *wall_clock(void)
{
	nanos_t read_at;
	uint64_t seconds = clock_wall_seconds(&read_at);

	CHECK(seconds > 1600000000 && seconds < 7000000000);
	CHECK(read_at.v <= clock_now().v);
	return NULL;
}

static const char *delay(void)
{
	uint64_t start = clock_now().v;

	clock_delay(MICROSECONDS(500));
	CHECK(clock_now().v - start >= MICROSECONDS(500));
	return NULL;
}

const struct selftest selftests_clock[] = {
	{ "clock_monotonic_on_all_cpus", monotonic },
	{ "clock_speed", speed },
	{ "clock_scale", scale_arithmetic },
	{ "clock_wall", wall_clock },
	{ "clock_delay", delay },
	{ NULL, NULL },
};
