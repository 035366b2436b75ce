/* A domain's share of the CPUs, in the words of the scheduler that the tools think we have. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "hypercall/domctl.h"
#include "hypercall/sysctl.h"

#include "sched/sched.h"

long domctl_scheduler_op(struct hypercall *call, struct xen_domctl *op, struct domain *domain)
{
	struct xen_domctl_scheduler_op *request = &op->u.scheduler_op;

	(void)call;
	if (request->sched_id != SCHEDULER_ID)
		return -EINVAL;
	switch (request->cmd) {
	case XEN_DOMCTL_SCHEDOP_putinfo:
		return sched_share_set(&domain->share, request->u.credit2.weight,
		                       request->u.credit2.cap);
	case XEN_DOMCTL_SCHEDOP_getinfo:
		request->u.credit2.weight = (uint16_t)domain->share.weight;
		request->u.credit2.cap = (uint16_t)domain->share.cap;
		return 0;
	default:
		return -ENOSYS;
	}
}
