/* From a pending port to a vCPU that looks at it: upcalls and VIRQs. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "event/event.h"
#include "event/table.h"

#include "lib/assert.h"
#include "sched/sched.h"

bool virq_is_global(unsigned virq)
{
	return virq != VIRQ_TIMER && virq != VIRQ_DEBUG && virq != VIRQ_XENOPROF &&
	       virq != VIRQ_XENPMU;
}

bool event_upcall_pending(const struct vcpu *vcpu)
{
	return __atomic_load_n(&vcpu->info->evtchn_upcall_pending, __ATOMIC_ACQUIRE);
}

void event_upcall(struct vcpu *vcpu)
{
	struct vcpu_info *info = __atomic_load_n(&vcpu->info, __ATOMIC_ACQUIRE);

	if (!__atomic_exchange_n(&info->evtchn_upcall_pending, 1, __ATOMIC_SEQ_CST))
		sched_kick(vcpu);
}

void port_deliver(struct domain *domain, evtchn_port_t number, struct port *port)
{
	const struct port_form *form = __atomic_load_n(&domain->events->form, __ATOMIC_ACQUIRE);

	if (form->set_pending(domain, number, port))
		poll_wake(domain, number);
}

/* The holder's lock keeps the binding, and so the form, as they are while the port is raised. */
static void raise(struct vcpu *holder, unsigned virq)
{
	evtchn_port_t number;

	lock_take(&holder->event_lock);
	number = holder->virq_port[virq];
	if (number)
		port_deliver(holder->domain, number, port_find(holder->domain->events, number));
	lock_release(&holder->event_lock);
}

void event_raise_virq(struct vcpu *vcpu, unsigned virq)
{
	ASSERT(virq < NR_VIRQS && !virq_is_global(virq));
	raise(vcpu, virq);
}

void event_raise_global_virq(unsigned virq)
{
	ASSERT(virq < NR_VIRQS && virq_is_global(virq));
	if (dom0 && dom0->vcpus[0])
		raise(dom0->vcpus[0], virq);
}

void event_vcpu_info_moved(struct vcpu *vcpu)
{
	layout_select_all(vcpu->layout, vcpu->info);
	__atomic_store_n(&vcpu->info->evtchn_upcall_pending, 1, __ATOMIC_SEQ_CST);
	sched_kick(vcpu);
}

void event_vcpu_info_move(struct vcpu *vcpu, struct vcpu_info *info)
{
	*info = *vcpu->info;
	__atomic_store_n(&vcpu->info, info, __ATOMIC_SEQ_CST);
	event_vcpu_info_moved(vcpu);
}
