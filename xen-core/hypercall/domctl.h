/* domctl by its parts: each serves one command on a domain that is held while it does. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_HYPERCALL_DOMCTL_H
#define XEN_CORE_HYPERCALL_DOMCTL_H

#include "hypercall/hypercall.h"

/* The structure was copied in; it goes back to the caller if the result is not negative. */
typedef long domctl_handler(struct hypercall *call, struct xen_domctl *op, struct domain *domain);

domctl_handler domctl_getvcpuinfo, domctl_getvcpuaffinity, domctl_setvcpuaffinity,
	domctl_scheduler_op;

#endif
