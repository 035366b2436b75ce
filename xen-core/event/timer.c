/* The guest's own timers: one-shot and periodic, both raise VIRQ_TIMER. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "event/channel.h"
#include "event/event.h"
#include "event/table.h"

static void singleshot_fired(struct timer *timer)
{
	event_raise_virq(CONTAINER_OF(timer, struct vcpu, singleshot), VIRQ_TIMER);
}

/* The next tick is counted from the last one that was due, and none is made up for. */
static void periodic_fired(struct timer *timer)
{
	struct vcpu *vcpu = CONTAINER_OF(timer, struct vcpu, periodic);
	uint64_t period = __atomic_load_n(&vcpu->period, __ATOMIC_RELAXED);
	uint64_t now = clock_now().v;

	if (!period)
		return;
	event_raise_virq(vcpu, VIRQ_TIMER);
	timer_set(timer, vcpu->cpu, NANOS(now + period - (now - timer->expires.v) % period));
}

void event_timer_singleshot(struct vcpu *vcpu, nanos_t expires)
{
	if (expires.v)
		timer_set(&vcpu->singleshot, vcpu->cpu, expires);
	else
		timer_stop(&vcpu->singleshot);
}

void event_timer_periodic(struct vcpu *vcpu, uint64_t nanoseconds)
{
	__atomic_store_n(&vcpu->period, nanoseconds, __ATOMIC_RELAXED);
	if (nanoseconds)
		timer_set(&vcpu->periodic, vcpu->cpu, NANOS(clock_now().v + nanoseconds));
	else
		timer_stop(&vcpu->periodic);
}

void event_timer_vcpu_init(struct vcpu *vcpu)
{
	timer_init(&vcpu->singleshot, singleshot_fired);
	timer_init(&vcpu->periodic, periodic_fired);
}

void event_timer_vcpu_stop(struct vcpu *vcpu)
{
	__atomic_store_n(&vcpu->period, 0, __ATOMIC_SEQ_CST);
	timer_retire(&vcpu->periodic);
	timer_retire(&vcpu->singleshot);
}
