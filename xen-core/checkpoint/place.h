/* Where a domain has pages: its own memory comes and goes, the hypervisor's are shown. It does not run. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_CHECKPOINT_PLACE_H
#define XEN_CORE_CHECKPOINT_PLACE_H

#include "domain/domain.h"

/* Memory, one of the hypervisor's pages, nothing; or no place at all (GFN_NONE). */
bool place_is_free(struct domain *domain, gfn_t gfn);

/* What is there goes. -EINVAL: not place_is_free. */
int place_clear(struct domain *domain, gfn_t gfn);

/* A page of memory, of zeros, where place_clear has been. -ENOMEM, also past the domain's limit. */
int place_populate(struct domain *domain, gfn_t gfn);

/* The page leaves where it was and is shown at gfn (GFN_NONE: nowhere). */
int place_shared_info(struct domain *domain, gfn_t gfn);
int place_grant_frame(struct domain *domain, unsigned index, gfn_t gfn);

#endif
