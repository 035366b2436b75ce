/* A vCPU that sleeps until one of some ports is pending: SCHEDOP_poll. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "event/channel.h"
#include "event/event.h"
#include "event/table.h"

#include "hw/cpu.h"
#include "lib/errno.h"
#include "sched/sched.h"

/*
 * The poller writes its ports, sets its bit in the table's pollers, blocks, and only then looks at
 * the ports; a sender sets the port pending, and only then looks at pollers. Whoever comes second
 * sees the other. Taking the bit away is the right to wake.
 */

static void poll_end(struct vcpu *vcpu)
{
	if (bit_test_and_clear(vcpu->id, vcpu->domain->events->pollers))
		sched_wake(vcpu);
}

static bool poll_waits_for(const struct vcpu *vcpu, evtchn_port_t number)
{
	unsigned count = __atomic_load_n(&vcpu->poll_count, __ATOMIC_RELAXED);

	if (count > ARRAY_SIZE(vcpu->poll_ports))
		return true;
	for (unsigned i = 0; i < count; i++)
		if (__atomic_load_n(&vcpu->poll_ports[i], __ATOMIC_RELAXED) == number)
			return true;
	return false;
}

void poll_wake(struct domain *domain, evtchn_port_t number)
{
	unsigned long *pollers = domain->events->pollers;

	for (unsigned i = 0; i < BITS_TO_LONGS(DOMAIN_MAX_VCPUS); i++) {
		unsigned long word = __atomic_load_n(&pollers[i], __ATOMIC_SEQ_CST);

		for (; word; word &= word - 1) {
			struct vcpu *vcpu = domain->vcpus[i * BITS_PER_LONG + bit_lowest(word)];

			if (poll_waits_for(vcpu, number))
				poll_end(vcpu);
		}
	}
}

static void poll_timed_out(struct timer *timer)
{
	poll_end(CONTAINER_OF(timer, struct vcpu, poll_timer));
}

/* The lock keeps the ports' form as it is. */
static bool any_pending(struct domain *domain, const evtchn_port_t *ports, unsigned count)
{
	struct event_table *table = domain->events;
	bool found = false;

	lock_take(&table->lock);
	for (unsigned i = 0; i < count && !found; i++) {
		struct port *port = port_find(table, ports[i]);

		found = port && table->form->is_pending(domain, ports[i], port);
	}
	lock_release(&table->lock);
	return found;
}

/* An upcall that the guest can take now ends the wait as well. */
static bool upcall_is_due(const struct vcpu *vcpu)
{
	return vcpu->regs.rflags & RFLAGS_IF && event_upcall_pending(vcpu);
}

int event_poll(struct vcpu *vcpu, const evtchn_port_t *ports, unsigned count, nanos_t timeout)
{
	struct event_table *table = vcpu->domain->events;

	for (unsigned i = 0; i < count; i++)
		if (!port_find(table, ports[i]))
			return -EINVAL;
	for (unsigned i = 0; i < MIN(count, ARRAY_SIZE(vcpu->poll_ports)); i++)
		vcpu->poll_ports[i] = ports[i];
	vcpu->poll_count = count;
	bit_test_and_set(vcpu->id, table->pollers);
	sched_block(vcpu);
	if (timeout.v)
		timer_set(&vcpu->poll_timer, vcpu->cpu, timeout);
	else
		timer_stop(&vcpu->poll_timer);
	if (any_pending(vcpu->domain, ports, count) || upcall_is_due(vcpu))
		poll_end(vcpu);
	return 0;
}

void poll_vcpu_init(struct vcpu *vcpu)
{
	timer_init(&vcpu->poll_timer, poll_timed_out);
}

void poll_vcpu_stop(struct vcpu *vcpu)
{
	timer_retire(&vcpu->poll_timer);
}
