/* One-shot timers: a sorted list on each CPU, the soonest programmed into its local APIC. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "hw/timer.h"

#include "hw/apic.h"
#include "hw/cpu.h"
#include "hw/interrupt.h"
#include "hw/ipi.h"
#include "hw/percpu.h"

/* Ticks until then, rounded up so as not to come early; at most what the counter holds, at least 1. */
static uint32_t ticks_in(uint64_t nanoseconds)
{
	uint64_t khz = apic_timer_khz();
	uint64_t longest = UINT32_MAX * 1000000UL / khz;

	if (nanoseconds >= longest)
		return UINT32_MAX;
	return (uint32_t)(nanoseconds * khz / 1000000) + 1;
}

/* Sets this CPU's APIC to its soonest timer. Its timer lock is held. */
static void program(struct cpu *cpu)
{
	struct timer *soonest;
	nanos_t now;

	if (list_is_empty(&cpu->timers)) {
		if (cpu->timer_programmed.v)
			apic_timer_set(0);
		cpu->timer_programmed = NANOS(0);
		return;
	}
	soonest = LIST_ENTRY(cpu->timers.next, struct timer, link);
	now = clock_now();
	cpu->timer_programmed = soonest->expires;
	if (soonest->expires.v <= now.v)
		apic_send(cpu->apic_id, VECTOR_TIMER);
	else
		apic_timer_set(ticks_in(soonest->expires.v - now.v));
}

/* Behind those of the same time: they fire in the order they were set. */
static void insert_sorted(struct list *timers, struct timer *timer)
{
	LIST_FOR_EACH(item, timers)
		if (LIST_ENTRY(item, struct timer, link)->expires.v > timer->expires.v) {
			list_insert_before(item, &timer->link);
			return;
		}
	list_push_back(timers, &timer->link);
}

/* Moves what is due to a list of its own: what is set while these fire waits for the next interrupt,
 * and other interrupts have their turn before that. */
static void take_due(struct cpu *cpu, struct list *due)
{
	nanos_t now = clock_now();

	lock_take(&cpu->timer_lock);
	LIST_FOR_EACH_SAFE(item, after, &cpu->timers) {
		if (LIST_ENTRY(item, struct timer, link)->expires.v > now.v)
			break;
		list_remove(item);
		list_push_back(due, item);
	}
	lock_release(&cpu->timer_lock);
}

/* Until it is taken here, a due timer is still pending: timer_stop finds it on whichever list. */
static struct timer *next_due(struct cpu *cpu, struct list *due)
{
	struct timer *timer = NULL;

	lock_take(&cpu->timer_lock);
	if (!list_is_empty(due)) {
		timer = LIST_ENTRY(due->next, struct timer, link);
		list_remove(&timer->link);
		__atomic_fetch_add(&timer->firing, 1, __ATOMIC_SEQ_CST);
		__atomic_store_n(&timer->cpu, NULL, __ATOMIC_SEQ_CST);
	}
	lock_release(&cpu->timer_lock);
	return timer;
}

static void timer_interrupt(void)
{
	struct cpu *cpu = this_cpu();
	struct timer *timer;
	struct list due;

	list_init(&due);
	take_due(cpu, &due);
	while ((timer = next_due(cpu, &due))) {
		timer->fire(timer);
		__atomic_fetch_sub(&timer->firing, 1, __ATOMIC_SEQ_CST);
	}
	lock_take(&cpu->timer_lock);
	program(cpu);
	lock_release(&cpu->timer_lock);
}

void timer_init(struct timer *timer, void (*fire)(struct timer *timer))
{
	list_init(&timer->link);
	timer->expires = NANOS(0);
	timer->fire = fire;
	timer->cpu = NULL;
	timer->firing = 0;
}

/* Stops it and takes the lock of the CPU where it is now to be pending. */
static void claim(struct timer *timer, struct cpu *cpu)
{
	for (;;) {
		struct cpu *nowhere = NULL;

		timer_stop(timer);
		lock_take(&cpu->timer_lock);
		if (__atomic_compare_exchange_n(&timer->cpu, &nowhere, cpu, false, __ATOMIC_SEQ_CST,
		                                __ATOMIC_RELAXED))
			return;
		lock_release(&cpu->timer_lock); /* another CPU has set it meanwhile */
	}
}

/* Only its own CPU programs an APIC's timer; another is sent the interrupt and sees for itself. */
void timer_set(struct timer *timer, struct cpu *cpu, nanos_t expires)
{
	claim(timer, cpu);
	timer->expires = expires;
	insert_sorted(&cpu->timers, timer);
	if (cpu->timers.next == &timer->link) {
		if (cpu == this_cpu())
			program(cpu);
		else
			apic_send(cpu->apic_id, VECTOR_TIMER);
	}
	lock_release(&cpu->timer_lock);
}

/* False if it was not pending there after all: it has fired, and may have been set again elsewhere. */
static bool stop_on(struct timer *timer, struct cpu *cpu)
{
	bool pending;

	lock_take(&cpu->timer_lock);
	pending = timer->cpu == cpu;
	if (pending) {
		list_remove(&timer->link);
		__atomic_store_n(&timer->cpu, NULL, __ATOMIC_RELEASE);
	}
	lock_release(&cpu->timer_lock);
	return pending;
}

/* The APIC stays set: an interrupt that finds nothing due costs less than to program it each time. */
void timer_stop(struct timer *timer)
{
	struct cpu *cpu;

	do
		cpu = __atomic_load_n(&timer->cpu, __ATOMIC_ACQUIRE);
	while (cpu && !stop_on(timer, cpu));
}

/* Twice: a fire that began before may set it again once. */
void timer_retire(struct timer *timer)
{
	for (unsigned i = 0; i < 2; i++) {
		timer_stop(timer);
		while (__atomic_load_n(&timer->firing, __ATOMIC_SEQ_CST)) {
			ipi_serve(this_cpu());
			cpu_relax();
		}
	}
}

void timer_cpu_init(void)
{
	struct cpu *cpu = this_cpu();

	lock_init(&cpu->timer_lock, LOCK_TIMER);
	list_init(&cpu->timers);
	cpu->timer_programmed = NANOS(0);
	interrupt_register(VECTOR_TIMER, timer_interrupt);
}
