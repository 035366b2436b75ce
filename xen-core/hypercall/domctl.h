/* domctl by its parts: each serves one command on a domain that is held while it does. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_HYPERCALL_DOMCTL_H
#define XEN_CORE_HYPERCALL_DOMCTL_H

#include "hypercall/hypercall.h"

/* The structure was copied in; it goes back to the caller if the result is not negative. */
typedef long domctl_handler(struct hypercall *call, struct xen_domctl *op, struct domain *domain);

/* Has no domain yet. */
long domctl_createdomain(struct hypercall *call, struct xen_domctl *op);

domctl_handler domctl_max_vcpus, domctl_destroydomain, domctl_resumedomain;
domctl_handler domctl_gethvmcontext, domctl_sethvmcontext;
domctl_handler domctl_getvcpucontext, domctl_setvcpucontext;
domctl_handler domctl_shadow_op, domctl_getpageframeinfo3;
domctl_handler domctl_get_cpu_policy, domctl_set_cpu_policy;
domctl_handler domctl_gettscinfo, domctl_settscinfo;
domctl_handler domctl_getvcpuinfo, domctl_getvcpuaffinity, domctl_setvcpuaffinity,
	domctl_scheduler_op;

#endif
