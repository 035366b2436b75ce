/* Holding a grant: the right to use a granter's frame, until it is let go. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_GRANT_ACTIVE_H
#define XEN_CORE_GRANT_ACTIVE_H

#include "domain/domain.h"

/* The caller has a reference on the granter for as long as it has the hold. */
struct grant_hold {
	struct domain *granter; /* NULL: nothing is held */
	grant_ref_t ref;
	bool write;
	gfn_t gfn; /* the granter's */
	mfn_t mfn; /* its frame, which stays allocated while it is held */
};

/*
 * Lets go of what is held, if anything, and holds a grant made to the holder instead; one round of the
 * lock if both are the same granter's. GNTST_*; after a failure nothing is held.
 */
int16_t grant_hold_next(struct grant_hold *hold, struct domain *granter, grant_ref_t ref,
                        domid_t holder, bool write);

void grant_let_go(struct grant_hold *hold); /* fine if nothing is held */

#endif
