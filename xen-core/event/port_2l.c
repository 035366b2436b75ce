/* Ports as the guest first sees them: two bit arrays in shared info and a selector for each vCPU. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "event/table.h"

/* A selector bit that is set already: the guest has been told and will look at this word. */
static void tell_vcpu(struct domain *domain, evtchn_port_t number, const struct port *port)
{
	struct vcpu *vcpu = domain->vcpus[port->notify_vcpu];
	struct vcpu_info *info = __atomic_load_n(&vcpu->info, __ATOMIC_ACQUIRE);

	if (!bit_test_and_set(number / BITS_PER_LONG, &info->evtchn_pending_sel))
		event_upcall(vcpu);
}

static bool set_pending(struct domain *domain, evtchn_port_t number, struct port *port)
{
	struct shared_info *shared = domain->shared_info;

	if (bit_test_and_set(number, shared->evtchn_pending))
		return false;
	if (!bit_test(number, shared->evtchn_mask))
		tell_vcpu(domain, number, port);
	return true;
}

static void clear_pending(struct domain *domain, evtchn_port_t number, struct port *port)
{
	(void)port;
	bit_test_and_clear(number, domain->shared_info->evtchn_pending);
}

static bool is_pending(struct domain *domain, evtchn_port_t number, struct port *port)
{
	(void)port;
	return bit_test(number, domain->shared_info->evtchn_pending);
}

static void unmask(struct domain *domain, evtchn_port_t number, struct port *port)
{
	struct shared_info *shared = domain->shared_info;

	if (bit_test_and_clear(number, shared->evtchn_mask) &&
	    bit_test(number, shared->evtchn_pending))
		tell_vcpu(domain, number, port);
}

static void again(struct domain *domain, evtchn_port_t number, struct port *port)
{
	if (!bit_test(number, domain->shared_info->evtchn_mask))
		tell_vcpu(domain, number, port);
}

static bool is_queued(struct domain *domain, evtchn_port_t number)
{
	(void)domain;
	(void)number;
	return false;
}

const struct port_form port_form_2l = {
	.ports = EVTCHN_2L_NR_CHANNELS,
	.set_pending = set_pending,
	.clear_pending = clear_pending,
	.is_pending = is_pending,
	.unmask = unmask,
	.again = again,
	.is_queued = is_queued,
};
