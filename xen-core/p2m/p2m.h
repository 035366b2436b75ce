/* The map from a domain's frame numbers to the machine's, kept in the format the CPU walks. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_P2M_P2M_H
#define XEN_CORE_P2M_P2M_H

#include "abi/public.h"
#include "hw/lock.h"
#include "lib/list.h"
#include "lib/types.h"

/*
 * Every entry but P2M_DEVICE holds one reference on its frame (mm/frame.h): p2m_map takes over the
 * caller's, p2m_unmap and p2m_destroy drop it. Ownership is therefore counted from the first day.
 */
enum p2m_type {
	P2M_NONE, /* nothing there */
	P2M_RAM,  /* the domain's own frame */
	P2M_RAM_RO,
	P2M_SHARED,  /* a page of the hypervisor's shown to the guest: shared info, grant table */
	P2M_FOREIGN, /* another domain's frame, mapped by privilege */
	P2M_FOREIGN_RO,
	P2M_GRANT, /* another domain's frame, mapped by its grant */
	P2M_GRANT_RO,
	P2M_DEVICE, /* machine address that is not RAM: dom0's devices; not counted */
	P2M_TYPES
};

#define P2M_ORDER_4K 0
#define P2M_ORDER_2M 9
#define P2M_ORDER_1G 18

#define P2M_LEAVING 64 /* foreign frames that one flush lets go */

struct p2m {
	struct lock lock;
	domid_t owner;
	mfn_t root;                  /* top level table; its address goes into the VMCB */
	unsigned long cpus;          /* CPUs that may hold translations (bit per cpu id) */
	uint64_t tables;             /* frames spent on the tables */
	uint64_t entries[P2M_TYPES]; /* 4 KiB pages mapped, by type */
	gfn_t highest;               /* highest gfn ever mapped as RAM */

	/* Foreign frames whose entries are out; their references wait for p2m_settle. */
	mfn_t leaving[P2M_LEAVING];
	unsigned leaving_count; /* (atomic) */
	bool settling;          /* some CPU flushes for frames that were here (atomic) */

	/* dirty/: what is written while a log is kept, and who writes pages without being seen to. */
	struct dirty_log *log;                                   /* NULL: none is kept */
	void (*changing)(struct p2m *p2m, gfn_t gfn, mfn_t old); /* if there is a log: lock held */
	struct list writers;
};

int p2m_init(struct p2m *p2m, domid_t owner);
void p2m_destroy(struct p2m *p2m); /* drops every reference and the tables */

/* Drops the references of some entries, about as many 4 KiB pages as the budget says; true when none
 * are left. The domain is dying: nothing runs on the tables any more. */
bool p2m_relinquish(struct p2m *p2m, uint64_t budget);

/*
 * Maps 2^order pages (both numbers aligned to the order). -EEXIST if any of the gfns is mapped,
 * -ENOMEM without change. On success the entry owns the caller's reference on each frame.
 */
int p2m_map(struct p2m *p2m, gfn_t gfn, mfn_t mfn, unsigned order, enum p2m_type type);

/*
 * Unmaps one page (a large entry is split) and drops its reference. Returns the type that was there. A
 * foreign page may still be reached by CPUs that know the entry, and keeps its reference, until p2m_settle:
 * dom0 takes these out by the thousand, one at a time, and each flush may wait for all CPUs.
 */
enum p2m_type p2m_unmap(struct p2m *p2m, gfn_t gfn);

/* The same if what is there is of one of the types (bits BIT(type)), else P2M_NONE: another CPU may have
 * put something else there since the caller looked. */
enum p2m_type p2m_unmap_if(struct p2m *p2m, gfn_t gfn, unsigned long types);

/* Flushes and drops the references of foreign pages that were taken out, before anything else is mapped
 * in their place and before the domain's CPUs go on to other things. No lock is held. */
void p2m_settle(struct p2m *p2m);

static inline bool p2m_is_unsettled(const struct p2m *p2m)
{
	return __atomic_load_n(&p2m->leaving_count, __ATOMIC_SEQ_CST) ||
	       __atomic_load_n(&p2m->settling, __ATOMIC_SEQ_CST);
}

/*
 * Takes the entry of a grant out; false if there is none. What p2m_unmap does at once is left to the
 * caller, for many pages together: p2m_flush of all CPUs in cpus, then frame_put of the entry's reference.
 */
bool p2m_take_grant(struct p2m *p2m, gfn_t gfn, mfn_t *mfn);

/* Swaps in another frame at a gfn that may or may not be mapped; as unmap and map, under one lock. */
int p2m_replace(struct p2m *p2m, gfn_t gfn, mfn_t mfn, enum p2m_type type);

/*
 * The frame at a gfn with an extra reference (frame_put it), MFN_NONE if there is none or it is
 * device memory. type may be NULL.
 */
mfn_t p2m_get(struct p2m *p2m, gfn_t gfn, enum p2m_type *type);

/* Without a reference: the entry may be gone when this returns. For dumps and device entries. */
mfn_t p2m_peek(struct p2m *p2m, gfn_t gfn, enum p2m_type *type, unsigned *order);

/* The first mapped gfn that is not below this one; GFN_NONE. */
gfn_t p2m_next(struct p2m *p2m, gfn_t gfn);

bool p2m_type_is_writable(enum p2m_type type);

#endif
