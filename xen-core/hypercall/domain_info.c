/* A domain in the words of the toolstack: state, size, time used. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "hypercall/domain_info.h"

#include "hw/cpu.h"
#include "lib/string.h"
#include "vcpu/runstate.h"

struct vcpu_summary {
	uint32_t online;
	uint32_t highest_id;
	uint64_t running_time;
	bool all_blocked, any_running;
};

static void summarise(struct domain *domain, struct vcpu_summary *sum)
{
	*sum = (struct vcpu_summary){ .highest_id = XEN_INVALID_MAX_VCPU_ID, .all_blocked = true };
	for (unsigned i = 0; i < DOMAIN_MAX_VCPUS; i++) {
		struct vcpu *vcpu = domain->vcpus[i];

		if (!vcpu)
			continue;
		sum->highest_id = i;
		sum->running_time += runstate_read(vcpu).time[RUNSTATE_running];
		if (!vcpu->up)
			continue;
		sum->online++;
		sum->all_blocked &= vcpu->blocked;
		sum->any_running |= vcpu->running;
	}
}

static uint32_t flags_of(const struct domain *domain, const struct vcpu_summary *sum)
{
	uint32_t flags = XEN_DOMINF_hvm_guest | XEN_DOMINF_hap;

	flags |= (domain->shutdown_code & XEN_DOMINF_shutdownmask) << XEN_DOMINF_shutdownshift;
	if (domain->state >= DOMAIN_DYING)
		flags |= XEN_DOMINF_dying;
	if (domain->shut_down)
		flags |= XEN_DOMINF_shutdown;
	if (domain->controller_pauses)
		flags |= XEN_DOMINF_paused;
	if (sum->online && sum->all_blocked)
		flags |= XEN_DOMINF_blocked;
	if (sum->any_running)
		flags |= XEN_DOMINF_running;
	if (domain->create_flags & XEN_DOMCTL_CDF_xs_domain)
		flags |= XEN_DOMINF_xs_domain;
	return flags;
}

void domain_info_fill(struct domain *domain, struct xen_domctl_getdomaininfo *info)
{
	struct vcpu_summary sum;

	summarise(domain, &sum);
	memset(info, 0, sizeof(*info));
	info->domain = domain->id;
	info->flags = flags_of(domain, &sum);
	info->tot_pages = __atomic_load_n(&domain->pages, __ATOMIC_RELAXED);
	info->max_pages = domain->max_pages;
	info->shared_info_frame = domain->shared_info_gfn.v;
	info->cpu_time = sum.running_time;
	info->nr_online_vcpus = sum.online;
	info->max_vcpu_id = sum.highest_id;
	info->ssidref = domain->ssidref;
	memcpy(info->handle, domain->handle, sizeof(info->handle));
	info->gpaddr_bits = cpu_address_bits();
	info->arch_config.emulation_flags = domain->emulation_flags;
}
