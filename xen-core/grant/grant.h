/* Grant tables: pages that a domain lends to others, by its own table entries (version 1). */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_GRANT_GRANT_H
#define XEN_CORE_GRANT_GRANT_H

#include "domain/domain.h"
#include "domain/unit.h"

#define GRANT_FRAMES_DEFAULT 64   /* what a domain gets that asks for nothing else */
#define GRANT_FRAMES_MAX     1024 /* what it can ask for: half a million entries */

/* Operands of one call before the caller's interrupts get their chance; unmapped pages of one flush. */
#define GRANT_OPS_AT_ONCE 32

extern const struct unit grant_unit;

/* The frame that holds part index of the table, allocated on demand up to the domain's limit, with a
 * reference for the p2m entry that will show it. -EINVAL past the limit, -ENOMEM. */
int grant_table_frame(struct domain *domain, unsigned index, mfn_t *mfn);

/* The guest now has that part at gfn (GFN_NONE: nowhere). Returns where it had it before. */
gfn_t grant_table_place(struct domain *domain, unsigned index, gfn_t gfn);

unsigned grant_table_frames(const struct domain *domain);
unsigned grant_table_max_frames(const struct domain *domain);

/*
 * The operations on grants, operand after operand, each with a status (GNTST_*) of its own. Mapping
 * puts the granter's page at a guest-physical address of the caller; unmapping, at most
 * GRANT_OPS_AT_ONCE at once, is over on all CPUs when it returns.
 */
void grant_map(struct vcpu *caller, struct gnttab_map_grant_ref *ops, unsigned count);
void grant_unmap(struct vcpu *caller, struct gnttab_unmap_grant_ref *ops, unsigned count);
void grant_copy(struct vcpu *caller, struct gnttab_copy *ops, unsigned count);
int16_t grant_swap(struct domain *domain, grant_ref_t a, grant_ref_t b); /* GNTST_* */

/*
 * Lets go of what a dying domain, whose vCPUs are off, has mapped of others: so many mappings at
 * most. True when none is left. What others have mapped of it stays theirs: each mapping keeps the
 * frame, the dead domain's table and its struct (grant/maptrack.h).
 */
bool grant_release_mappings(struct domain *domain, unsigned budget);

#endif
