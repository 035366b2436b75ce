/* sysctl by its parts: each serves one command on a structure that was copied in. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_HYPERCALL_SYSCTL_H
#define XEN_CORE_HYPERCALL_SYSCTL_H

#include "hypercall/hypercall.h"

/* The structure goes back to the caller if the result is not negative. */
typedef long sysctl_handler(struct hypercall *call, struct xen_sysctl *op);

sysctl_handler sysctl_readconsole, sysctl_debug_keys;
sysctl_handler sysctl_physinfo, sysctl_cputopoinfo, sysctl_numainfo, sysctl_cpu_featureset;
sysctl_handler sysctl_pcitopoinfo, sysctl_getcpuinfo, sysctl_availheap;
sysctl_handler sysctl_cpu_policy;
sysctl_handler sysctl_cpupool_op, sysctl_sched_id, sysctl_scheduler_op;

/* The one pool holds every domain and every CPU. */
#define SCHEDULER_ID XEN_SCHEDULER_CREDIT2 /* of those the tools know, the nearest to ours */

#endif
