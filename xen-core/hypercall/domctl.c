/* What dom0's toolstack does to one domain: the table of commands, and the plain ones. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "hypercall/domctl.h"

#include "hypercall/domain_info.h"

static long pause(struct hypercall *call, struct xen_domctl *op, struct domain *domain)
{
	(void)op;
	if (domain == call->caller->domain)
		return -EINVAL;
	domain_controller_pause(domain);
	return 0;
}

static long unpause(struct hypercall *call, struct xen_domctl *op, struct domain *domain)
{
	(void)op;
	if (domain == call->caller->domain)
		return -EINVAL;
	return domain_controller_unpause(domain);
}

/* A limit below what the domain has only keeps it from getting more. */
static long max_mem(struct hypercall *call, struct xen_domctl *op, struct domain *domain)
{
	(void)call;
	__atomic_store_n(&domain->max_pages, op->u.max_mem.max_memkb >> (PAGE_SHIFT - 10),
	                 __ATOMIC_RELAXED);
	return 0;
}

/* Placement hints and pool sizes: nothing here depends on them. */
static long accept(struct hypercall *call, struct xen_domctl *op, struct domain *domain)
{
	(void)call;
	(void)op;
	(void)domain;
	return 0;
}

static domctl_handler *const operations[] = {
	[XEN_DOMCTL_destroydomain] = domctl_destroydomain,
	[XEN_DOMCTL_max_vcpus] = domctl_max_vcpus,
	[XEN_DOMCTL_resumedomain] = domctl_resumedomain,
	[XEN_DOMCTL_getvcpucontext] = domctl_getvcpucontext,
	[XEN_DOMCTL_setvcpucontext] = domctl_setvcpucontext,
	[XEN_DOMCTL_shadow_op] = domctl_shadow_op,
	[XEN_DOMCTL_getpageframeinfo3] = domctl_getpageframeinfo3,
	[XEN_DOMCTL_gethvmcontext] = domctl_gethvmcontext,
	[XEN_DOMCTL_sethvmcontext] = domctl_sethvmcontext,
	[XEN_DOMCTL_get_cpu_policy] = domctl_get_cpu_policy,
	[XEN_DOMCTL_set_cpu_policy] = domctl_set_cpu_policy,
	[XEN_DOMCTL_gettscinfo] = domctl_gettscinfo,
	[XEN_DOMCTL_settscinfo] = domctl_settscinfo,
	[XEN_DOMCTL_setnodeaffinity] = accept,
	[XEN_DOMCTL_set_paging_mempool_size] = accept,
	[XEN_DOMCTL_pausedomain] = pause,
	[XEN_DOMCTL_unpausedomain] = unpause,
	[XEN_DOMCTL_setvcpuaffinity] = domctl_setvcpuaffinity,
	[XEN_DOMCTL_max_mem] = max_mem,
	[XEN_DOMCTL_getvcpuinfo] = domctl_getvcpuinfo,
	[XEN_DOMCTL_scheduler_op] = domctl_scheduler_op,
	[XEN_DOMCTL_getvcpuaffinity] = domctl_getvcpuaffinity,
};

/* Asked for the first domain at or after a number: so the tools find them all. */
static long getdomaininfo(struct xen_domctl *op)
{
	struct domain *domain = domain_get_next(op->domain);

	if (!domain)
		return -ESRCH;
	op->domain = domain->id;
	domain_info_fill(domain, &op->u.getdomaininfo);
	domain_put(domain);
	return 0;
}

static long serve(struct hypercall *call, struct xen_domctl *op)
{
	struct domain *domain;
	long result;

	if (op->cmd == XEN_DOMCTL_getdomaininfo)
		return getdomaininfo(op);
	if (op->cmd == XEN_DOMCTL_createdomain)
		return domctl_createdomain(call, op);
	if (op->cmd >= ARRAY_SIZE(operations) || !operations[op->cmd])
		return -ENOSYS;
	domain = domain_get(op->domain, call->caller);
	if (!domain)
		return -ESRCH;
	result = operations[op->cmd](call, op, domain);
	domain_put(domain);
	return result;
}

/* args: the structure. */
long hypercall_domctl(struct hypercall *call)
{
	struct xen_domctl op;
	long result;

	if (!call->caller->domain->privileged)
		return -EPERM;
	result = copy_from_guest(call->caller, &op, call->args[0], sizeof(op));
	if (result)
		return result;
	if (op.interface_version != XEN_DOMCTL_INTERFACE_VERSION)
		return -EACCES;
	result = serve(call, &op);
	if (result >= 0 && copy_to_guest(call->caller, call->args[0], &op, sizeof(op)))
		return -EFAULT;
	return result;
}
