/* Ports as the guest first sees them: two bit arrays in shared info and a selector for each vCPU. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "event/table.h"

static unsigned long *mask_of(struct domain *domain)
{
	return layout_mask(domain->layout, domain->shared_info);
}

/* A selector bit that is set already: the guest has been told and will look at this word. */
static void tell_vcpu(struct domain *domain, evtchn_port_t number, const struct port *port)
{
	struct vcpu *vcpu = domain->vcpus[port->notify_vcpu];
	struct vcpu_info *info = __atomic_load_n(&vcpu->info, __ATOMIC_ACQUIRE);

	if (!layout_select(domain->layout, info, number))
		event_upcall(vcpu);
}

static bool set_pending(struct domain *domain, evtchn_port_t number, struct port *port)
{
	if (bit_test_and_set(number, layout_pending(domain->shared_info)))
		return false;
	if (!bit_test(number, mask_of(domain)))
		tell_vcpu(domain, number, port);
	return true;
}

static void clear_pending(struct domain *domain, evtchn_port_t number, struct port *port)
{
	(void)port;
	bit_test_and_clear(number, layout_pending(domain->shared_info));
}

static bool is_pending(struct domain *domain, evtchn_port_t number, struct port *port)
{
	(void)port;
	return bit_test(number, layout_pending(domain->shared_info));
}

static void unmask(struct domain *domain, evtchn_port_t number, struct port *port)
{
	if (bit_test_and_clear(number, mask_of(domain)) &&
	    bit_test(number, layout_pending(domain->shared_info)))
		tell_vcpu(domain, number, port);
}

static void again(struct domain *domain, evtchn_port_t number, struct port *port)
{
	if (!bit_test(number, mask_of(domain)))
		tell_vcpu(domain, number, port);
}

static bool is_queued(struct domain *domain, evtchn_port_t number)
{
	(void)domain;
	(void)number;
	return false;
}

const struct port_form port_form_2l = {
	.set_pending = set_pending,
	.clear_pending = clear_pending,
	.is_pending = is_pending,
	.unmask = unmask,
	.again = again,
	.is_queued = is_queued,
};
