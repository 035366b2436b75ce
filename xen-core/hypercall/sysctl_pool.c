/* The one CPU pool and its scheduler, in the words of tools that know several. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "hypercall/bitmap.h"
#include "hypercall/sysctl.h"

#define RATE_LIMIT_US 1000 /* what the tools show; nothing here depends on it */

static uint32_t count_domains(void)
{
	struct domain *domain, *next;
	uint32_t count = 0;

	for (domain = domain_get_next(0); domain; domain = next, count++) {
		next = domain_get_next(domain->id + 1);
		domain_put(domain);
	}
	return count;
}

/* Pools are walked by asking for the first at or after a number, until there is none. */
long sysctl_cpupool_op(struct hypercall *call, struct xen_sysctl *op)
{
	struct xen_sysctl_cpupool_op *pool = &op->u.cpupool_op;

	switch (pool->op) {
	case XEN_SYSCTL_CPUPOOL_OP_INFO:
		if (pool->cpupool_id)
			return -ENOENT;
		pool->sched_id = SCHEDULER_ID;
		pool->n_dom = count_domains();
		return bitmap_write(call, &pool->cpumap, bitmap_of_cpus());
	case XEN_SYSCTL_CPUPOOL_OP_FREEINFO:
		return bitmap_write(call, &pool->cpumap, 0);
	default:
		return -ENOSYS;
	}
}

long sysctl_sched_id(struct hypercall *call, struct xen_sysctl *op)
{
	(void)call;
	op->u.sched_id.sched_id = SCHEDULER_ID;
	return 0;
}

long sysctl_scheduler_op(struct hypercall *call, struct xen_sysctl *op)
{
	struct xen_sysctl_scheduler_op *request = &op->u.scheduler_op;

	(void)call;
	if (request->cpupool_id)
		return -ESRCH;
	if (request->sched_id != SCHEDULER_ID)
		return -EINVAL;
	if (request->cmd != XEN_SYSCTL_SCHEDOP_getinfo)
		return -ENOSYS;
	request->u.sched_credit2.ratelimit_us = RATE_LIMIT_US;
	return 0;
}
