/* What dom0's toolstack asks about the machine as a whole: the table, and the list of domains. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "hypercall/sysctl.h"

#include "hypercall/domain_info.h"

static long getdomaininfolist(struct hypercall *call, struct xen_sysctl *op)
{
	struct xen_sysctl_getdomaininfolist *list = &op->u.getdomaininfolist;
	uint64_t to = (uint64_t)(uintptr_t)list->buffer.p;
	domid_t id = list->first_domain;
	uint32_t count;

	for (count = 0; count < list->max_domains; count++) {
		struct xen_domctl_getdomaininfo info;
		struct domain *domain = domain_get_next(id);
		long err;

		if (!domain)
			break;
		domain_info_fill(domain, &info);
		id = domain->id + 1;
		domain_put(domain);
		err = copy_to_guest(call->caller, to + count * sizeof(info), &info, sizeof(info));
		if (err)
			return err;
	}
	list->num_domains = count;
	return 0;
}

static sysctl_handler *const operations[] = {
	[XEN_SYSCTL_readconsole] = sysctl_readconsole,
	[XEN_SYSCTL_physinfo] = sysctl_physinfo,
	[XEN_SYSCTL_sched_id] = sysctl_sched_id,
	[XEN_SYSCTL_getdomaininfolist] = getdomaininfolist,
	[XEN_SYSCTL_debug_keys] = sysctl_debug_keys,
	[XEN_SYSCTL_getcpuinfo] = sysctl_getcpuinfo,
	[XEN_SYSCTL_availheap] = sysctl_availheap,
	[XEN_SYSCTL_cputopoinfo] = sysctl_cputopoinfo,
	[XEN_SYSCTL_numainfo] = sysctl_numainfo,
	[XEN_SYSCTL_cpupool_op] = sysctl_cpupool_op,
	[XEN_SYSCTL_scheduler_op] = sysctl_scheduler_op,
	[XEN_SYSCTL_pcitopoinfo] = sysctl_pcitopoinfo,
	[XEN_SYSCTL_get_cpu_featureset] = sysctl_cpu_featureset,
	[XEN_SYSCTL_get_cpu_policy] = sysctl_cpu_policy,
};

/* args: the structure. */
long hypercall_sysctl(struct hypercall *call)
{
	struct xen_sysctl op;
	long result;

	if (!call->caller->domain->privileged)
		return -EPERM;
	result = copy_from_guest(call->caller, &op, call->args[0], sizeof(op));
	if (result)
		return result;
	if (op.interface_version != XEN_SYSCTL_INTERFACE_VERSION)
		return -EACCES;
	if (op.cmd >= ARRAY_SIZE(operations) || !operations[op.cmd])
		return -ENOSYS;
	result = operations[op.cmd](call, &op);
	if (result >= 0 && copy_to_guest(call->caller, call->args[0], &op, sizeof(op)))
		return -EFAULT;
	return result;
}
