/* System time from the TSC, and one-shot timers on each CPU's local APIC. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_HW_TIMER_H
#define XEN_CORE_HW_TIMER_H

#include "lib/list.h"
#include "lib/types.h"

struct cpu;

/* Calibrates the TSC against the ACPI PM timer. Boot CPU, after ACPI. */
void clock_init(void);

nanos_t clock_now(void);
uint64_t clock_tsc_khz(void);

/* nanoseconds = ((tsc << shift) * multiplier) >> 32, a negative shift goes right: pvclock's form. */
struct clock_scale {
	uint32_t multiplier;
	int8_t shift;
};

struct clock_scale clock_scale(void);
uint64_t clock_scale_apply(struct clock_scale scale, uint64_t tsc);

/* The TSC value at which system time was 0. */
uint64_t clock_tsc_origin(void);

/* Seconds since 1970 from the CMOS clock, read once at boot; nanos_t at which it was read. */
uint64_t clock_wall_seconds(nanos_t *read_at);

void clock_delay(uint64_t nanoseconds); /* busy; for hardware that wants it */

/*
 * A timer fires once, on the CPU it was set on, in interrupt context (interrupts off, no lock
 * held). timer_set on a pending timer moves it. An expiry in the past fires at once. Several CPUs may
 * set and stop one timer at the same time, as when it sets itself again while its owner does so too:
 * one of them is the last.
 */
struct timer {
	struct list link; /* in cpu->timers; empty when not pending */
	nanos_t expires;
	void (*fire)(struct timer *timer);
	struct cpu *cpu; /* where it is pending, else NULL (atomic) */
	unsigned firing; /* calls of fire under way (atomic) */
};

void timer_init(struct timer *timer, void (*fire)(struct timer *timer));
void timer_set(struct timer *timer, struct cpu *cpu, nanos_t expires);
void timer_stop(struct timer *timer); /* on return it is not pending (it may be firing) */

/*
 * Before its memory is freed: on return it is neither pending nor firing. A fire that begins from now on
 * must not set it again. The caller holds no lock that fire takes.
 */
void timer_retire(struct timer *timer);

/* Each CPU once, at its start. */
void timer_cpu_init(void);

#endif
