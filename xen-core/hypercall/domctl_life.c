/* A domain's beginning and end at the toolstack's word. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "hypercall/domctl.h"

#include "hw/percpu.h"

#define CREATE_FLAGS (XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap | XEN_DOMCTL_CDF_oos_off)
#define LIMIT_MAX    (1 << 20) /* of frames asked for: the grant table has its own, lower bound */

static bool is_served(const struct xen_domctl_createdomain *request)
{
	const uint32_t needed = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
	uint32_t version = XEN_DOMCTL_GRANT_version(request->grant_opts);

	if ((request->flags & needed) != needed || request->flags & ~CREATE_FLAGS)
		return false;
	if (version < 1 || version > 2 || request->grant_opts != version)
		return false;
	return !request->iommu_opts && !request->vmtrace_size && !request->cpupool_id &&
	       request->arch.emulation_flags == XEN_X86_EMU_LAPIC && !request->arch.misc_flags;
}

/* A number in the structure's head that cannot be a domain's means: choose one. */
static long create(struct xen_domctl *op)
{
	const struct xen_domctl_createdomain *request = &op->u.createdomain;
	struct domain_config config = {
		.id = op->domain && op->domain < DOMID_FIRST_RESERVED ? op->domain : DOMID_INVALID,
		.max_vcpus = request->max_vcpus,
		.max_event_ports = request->max_evtchn_port,
		.ssidref = request->ssidref,
		.create_flags = request->flags,
		.emulation_flags = request->arch.emulation_flags,
	};
	struct domain *domain;
	int err;

	if (!is_served(request))
		return -EINVAL;
	if (request->max_grant_frames > LIMIT_MAX || request->max_maptrack_frames > LIMIT_MAX)
		return -EINVAL;
	if (request->max_grant_frames > 0)
		config.max_grant_frames = (unsigned)request->max_grant_frames;
	__builtin_memcpy(config.handle, request->handle, sizeof(config.handle));
	err = domain_create(&config, &domain);
	if (err)
		return err;
	op->domain = domain->id;
	return 0;
}

long domctl_createdomain(struct hypercall *call, struct xen_domctl *op)
{
	(void)call;
	return create(op);
}

/* The CPUs in turn, from where the domain before ended, so that small guests spread. */
static struct cpu *next_cpu(void)
{
	static unsigned turn;

	return cpus[__atomic_fetch_add(&turn, 1, __ATOMIC_RELAXED) % guest_cpu_count];
}

long domctl_max_vcpus(struct hypercall *call, struct xen_domctl *op, struct domain *domain)
{
	(void)call;
	if (op->u.max_vcpus.max != domain->vcpu_count || domain->state != DOMAIN_BUILDING)
		return -EINVAL;
	for (unsigned i = 0; i < domain->vcpu_count; i++) {
		int err = domain->vcpus[i] ? 0 : domain_vcpu_create(domain, i, next_cpu());

		if (err)
			return err;
	}
	return 0;
}

long domctl_destroydomain(struct hypercall *call, struct xen_domctl *op, struct domain *domain)
{
	(void)op;
	if (domain->privileged)
		return -EINVAL;
	if (!domain_kill(domain))
		call->again = true;
	return 0;
}

/* It goes on from where it shut down: a suspend that was called off, or has been captured. */
long domctl_resumedomain(struct hypercall *call, struct xen_domctl *op, struct domain *domain)
{
	(void)op;
	if (domain == call->caller->domain)
		return -EINVAL;
	domain_resume(domain);
	return 0;
}
