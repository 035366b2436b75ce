/* How a domain's TSC runs: always the machine's own. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "hypercall/domctl.h"

#define TSC_MODE_DEFAULT       0
#define TSC_MODE_NEVER_EMULATE 2

long domctl_gettscinfo(struct hypercall *call, struct xen_domctl *op, struct domain *domain)
{
	(void)call;
	(void)domain;
	op->u.tsc_info = (struct xen_domctl_tsc_info){
		.tsc_mode = TSC_MODE_NEVER_EMULATE,
		.gtsc_khz = (uint32_t)clock_tsc_khz(),
	};
	return 0;
}

/* Emulation is not served; a frequency that is not ours could not be kept. */
long domctl_settscinfo(struct hypercall *call, struct xen_domctl *op, struct domain *domain)
{
	uint32_t mode = op->u.tsc_info.tsc_mode;

	(void)call;
	(void)domain;
	return mode == TSC_MODE_DEFAULT || mode == TSC_MODE_NEVER_EMULATE ? 0 : -EOPNOTSUPP;
}
