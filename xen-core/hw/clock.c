/* System time: the TSC, calibrated once against a clock of known speed. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "hw/timer.h"

#include "hw/acpi.h"
#include "hw/calibrate.h"
#include "hw/cpu.h"
#include "hw/port.h"
#include "hw/rtc.h"
#include "lib/assert.h"
#include "lib/print.h"

#define PM_TIMER_HZ 3579545
#define PIT_HZ      1193182

#define PIT_CHANNEL_2 0x42
#define PIT_COMMAND   0x43
#define PIT_GATE      0x61

/* A counter whose speed is known, to measure the TSC by. */
struct reference {
	const char *name;
	uint32_t (*read)(void);
	uint32_t mask; /* it wraps behind that */
	uint32_t hz;
	uint32_t span; /* ticks to measure over; well below the mask */
};

static uint64_t origin; /* the TSC at system time 0 */
static uint64_t tsc_khz;
static struct clock_scale scale;
static uint64_t wall_seconds;
static nanos_t wall_read_at;

static uint32_t read_pm_timer(void)
{
	return inl((uint16_t)acpi.pm_timer_port) & 0xffffff;
}

/* Latches channel 2, which counts down. */
static uint32_t read_pit(void)
{
	uint8_t low;

	outb(PIT_COMMAND, 0x80);
	low = inb(PIT_CHANNEL_2);
	return 0xffffu - (low | (uint32_t)inb(PIT_CHANNEL_2) << 8);
}

/* Gate on, speaker off; mode 0 goes on counting round after it has reached zero. */
static void start_pit(void)
{
	outb(PIT_GATE, (uint8_t)((inb(PIT_GATE) & ~2) | 1));
	outb(PIT_COMMAND, 0xb0);
	outb(PIT_CHANNEL_2, 0xff);
	outb(PIT_CHANNEL_2, 0xff);
}

static const struct reference pm_timer = {
	.name = "ACPI PM timer",
	.read = read_pm_timer,
	.mask = 0xffffff,
	.hz = PM_TIMER_HZ,
	.span = PM_TIMER_HZ / 20,
};

static const struct reference pit = {
	.name = "PIT",
	.read = read_pit,
	.mask = 0xffff,
	.hz = PIT_HZ,
	.span = PIT_HZ / 25,
};

static bool counts(const struct reference *reference)
{
	uint32_t start = reference->read();

	for (unsigned i = 0; i < 100000; i++)
		if (reference->read() != start)
			return true;
	return false;
}

static const struct reference *choose_reference(void)
{
	if (acpi.pm_timer_port && counts(&pm_timer))
		return &pm_timer;
	start_pit();
	if (!counts(&pit))
		fatal("no clock to measure the TSC by: neither ACPI PM timer nor PIT counts\n");
	return &pit;
}

/* TSC ticks in a second, by the reference. */
static uint64_t measure_tsc(const struct reference *reference)
{
	struct calibrate_sample first = calibrate_sample(reference->read);
	struct calibrate_sample last;
	uint32_t ticks;

	while (((reference->read() - first.count) & reference->mask) < reference->span)
		cpu_relax();
	last = calibrate_sample(reference->read);
	ticks = (last.count - first.count) & reference->mask;
	return (last.tsc - first.tsc) * reference->hz / ticks;
}

/* The multiplier keeps its top bit set: that is all the precision 32 bits can give. */
static struct clock_scale scale_for(uint64_t hz)
{
	struct clock_scale result = { .shift = 0 };

	for (; hz > SECONDS(2); hz >>= 1)
		result.shift--;
	for (; hz <= SECONDS(1); hz <<= 1)
		result.shift++;
	result.multiplier = (uint32_t)((SECONDS(1) << 32) / hz);
	return result;
}

void clock_init(void)
{
	const struct reference *reference = choose_reference();
	uint64_t start = rdtsc_ordered();
	uint64_t hz = measure_tsc(reference);

	if (hz < 1000000)
		fatal("the TSC does not count\n");
	tsc_khz = (hz + 500) / 1000;
	scale = scale_for(hz);
	origin = start;
	wall_seconds = rtc_read(acpi.rtc_century);
	wall_read_at = clock_now();
	log_info("clock: TSC %lu kHz by the %s%s\n", tsc_khz, reference->name,
	         cpu_has(CPU_INVARIANT_TSC) ? "" : ", not declared invariant");
}

uint64_t clock_scale_apply(struct clock_scale by, uint64_t tsc)
{
	if (by.shift < 0)
		tsc >>= -by.shift;
	else
		tsc <<= by.shift;
	return (uint64_t)((unsigned __int128)tsc * by.multiplier >> 32);
}

/* 0 until the clock is calibrated (the multiplier is 0 then). */
nanos_t clock_now(void)
{
	return NANOS(clock_scale_apply(scale, rdtsc_ordered() - origin));
}

uint64_t clock_tsc_khz(void)
{
	return tsc_khz;
}

struct clock_scale clock_scale(void)
{
	return scale;
}

uint64_t clock_tsc_origin(void)
{
	return origin;
}

uint64_t clock_wall_seconds(nanos_t *read_at)
{
	*read_at = wall_read_at;
	return wall_seconds;
}

void clock_delay(uint64_t nanoseconds)
{
	uint64_t start = clock_now().v;

	while (clock_now().v - start < nanoseconds)
		cpu_relax();
}
