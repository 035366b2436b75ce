/* Grant tables: pages that a domain lends to others, by its own table entries (version 1). */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_GRANT_GRANT_H
#define XEN_CORE_GRANT_GRANT_H

#include "domain/domain.h"
#include "domain/unit.h"

#define GRANT_FRAMES_DEFAULT 64   /* what a domain gets that asks for nothing else */
#define GRANT_FRAMES_MAX     1024 /* what it can ask for: half a million entries */

extern const struct unit grant_unit;

/* The frame that holds part index of the table, allocated on demand up to the domain's limit, with a
 * reference for the p2m entry that will show it. -EINVAL past the limit, -ENOMEM. */
int grant_table_frame(struct domain *domain, unsigned index, mfn_t *mfn);

/* The guest now has that part at gfn (GFN_NONE: nowhere). Returns where it had it before. */
gfn_t grant_table_place(struct domain *domain, unsigned index, gfn_t gfn);

unsigned grant_table_frames(const struct domain *domain);
unsigned grant_table_max_frames(const struct domain *domain);

#endif
