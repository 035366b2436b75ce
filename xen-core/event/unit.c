/* The event channels' part in the life of domains and vCPUs. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "event/event.h"
#include "event/table.h"

#include "lib/errno.h"

static int create(struct domain *domain, const struct domain_config *config)
{
	unsigned highest = config->max_event_ports ? config->max_event_ports
	                                           : EVTCHN_FIFO_NR_CHANNELS - 1;

	return event_table_create(domain, MIN(highest, EVTCHN_FIFO_NR_CHANNELS - 1U) + 1);
}

static void destroy(struct domain *domain)
{
	if (!domain->events)
		return;
	event_close_all(domain);
	fifo_destroy(domain);
	event_table_destroy(domain);
}

static int vcpu_create(struct vcpu *vcpu)
{
	lock_init(&vcpu->event_lock, LOCK_VCPU);
	poll_vcpu_init(vcpu);
	event_timer_vcpu_init(vcpu);
	return 0;
}

/* Ports name their vCPU by number: with the first vCPU that goes, all ports go. */
static void vcpu_destroy(struct vcpu *vcpu)
{
	if (vcpu->domain->events) {
		event_close_all(vcpu->domain);
		fifo_destroy(vcpu->domain);
	}
	event_timer_vcpu_stop(vcpu);
	poll_vcpu_stop(vcpu);
}

static bool relinquish(struct domain *domain)
{
	event_close_all(domain);
	return true;
}

const struct unit event_unit = {
	.name = "event",
	.domain_create = create,
	.domain_destroy = destroy,
	.domain_relinquish = relinquish,
	.vcpu_create = vcpu_create,
	.vcpu_destroy = vcpu_destroy,
};
