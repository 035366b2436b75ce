/* A domain in the words of the toolstack: for domctl and sysctl both. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_HYPERCALL_DOMAIN_INFO_H
#define XEN_CORE_HYPERCALL_DOMAIN_INFO_H

#include "domain/domain.h"

void domain_info_fill(struct domain *domain, struct xen_domctl_getdomaininfo *info);

#endif
