/* One vCPU of a domain, as the toolstack sees and places it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "hypercall/bitmap.h"
#include "hypercall/domctl.h"

#include "hw/percpu.h"
#include "sched/sched.h"
#include "vcpu/runstate.h"

long domctl_getvcpuinfo(struct hypercall *call, struct xen_domctl *op, struct domain *domain)
{
	struct xen_domctl_getvcpuinfo *info = &op->u.getvcpuinfo;
	struct vcpu *vcpu = domain_vcpu(domain, info->vcpu);

	(void)call;
	if (!vcpu)
		return -ESRCH;
	info->online = vcpu->up;
	info->blocked = vcpu->blocked;
	info->running = vcpu->running;
	info->cpu_time = runstate_read(vcpu).time[RUNSTATE_running];
	info->cpu = vcpu->cpu->id;
	return 0;
}

/* A soft affinity is a wish that the scheduler does not know: any CPU is as good. */
long domctl_getvcpuaffinity(struct hypercall *call, struct xen_domctl *op, struct domain *domain)
{
	struct xen_domctl_vcpuaffinity *request = &op->u.vcpuaffinity;
	const struct vcpu *vcpu = domain_vcpu(domain, request->vcpu);
	long err = 0;

	if (!vcpu)
		return -ESRCH;
	if (request->flags & XEN_VCPUAFFINITY_HARD)
		err = bitmap_write(call, &request->cpumap_hard, vcpu->affinity);
	if (!err && request->flags & XEN_VCPUAFFINITY_SOFT)
		err = bitmap_write(call, &request->cpumap_soft, ~0UL);
	return err;
}

/* The caller is told what its masks came to on the CPUs that there are. */
long domctl_setvcpuaffinity(struct hypercall *call, struct xen_domctl *op, struct domain *domain)
{
	struct xen_domctl_vcpuaffinity *request = &op->u.vcpuaffinity;
	struct vcpu *vcpu = domain_vcpu(domain, request->vcpu);
	uint64_t hard, usable;
	long err = 0;

	if (!vcpu)
		return -ESRCH;
	hard = vcpu->affinity;
	if (request->flags & XEN_VCPUAFFINITY_HARD)
		err = bitmap_read(call, &request->cpumap_hard, &hard);
	if (err)
		return err;
	usable = hard & bitmap_of_cpus();
	if (domain->privileged && hard != vcpu->affinity)
		return -EPERM; /* its devices interrupt the CPUs that it runs on */
	err = sched_set_affinity(vcpu, hard);
	if (err)
		return err;
	if (request->flags & XEN_VCPUAFFINITY_HARD)
		err = bitmap_write(call, &request->cpumap_hard, usable);
	if (!err && request->flags & XEN_VCPUAFFINITY_SOFT)
		err = bitmap_write(call, &request->cpumap_soft, usable);
	return err;
}
