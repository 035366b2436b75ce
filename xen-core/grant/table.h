/* A grant table as the files of this folder see it: shared frames, references in use, mappings held. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_GRANT_TABLE_H
#define XEN_CORE_GRANT_TABLE_H

#include "grant/maptrack.h"

#define GRANTS_PER_FRAME (PAGE_SIZE / sizeof(struct grant_entry_v1))

/*
 * What is held of one reference (grant/active.c), all zero if nothing is. The guest can overwrite
 * the entry it shares at any time, so this, not that, says what the holders have.
 */
struct active {
	mfn_t mfn;       /* with a reference for as long as anybody holds the grant */
	uint32_t gfn;    /* where the granter had it */
	domid_t holder;  /* to whom it was granted */
	uint8_t readers; /* mappings and copies that only read */
	uint8_t writers;
};

/*
 * The guest writes entries into these frames whenever it likes; whoever reads one takes a copy
 * and checks that. Frames are added and stay until the domain goes.
 */
struct grant_frame {
	mfn_t mfn;             /* with the allocation's own reference */
	gfn_t gfn;             /* GFN_NONE: the guest has it nowhere */
	struct active *active; /* one for each entry of the frame */
};

struct grant_table {
	struct lock lock; /* LOCK_GRANT; those of two domains are never held together */
	unsigned count, max;
	struct grant_frame *frames; /* max of them */
	struct maptrack maptrack;   /* what this domain has mapped of others */
};

/* The granter of the next operand, often that of the one before: *granter, with a reference; or NULL. */
void grant_domain_next(struct domain **granter, domid_t id, struct vcpu *caller);

/* With the lock held. NULL: the table has no such entry. */
static inline struct active *grant_active(const struct grant_table *table, grant_ref_t ref)
{
	uint64_t frame = ref / GRANTS_PER_FRAME;

	return frame < table->count ? &table->frames[frame].active[ref % GRANTS_PER_FRAME] : NULL;
}

#endif
