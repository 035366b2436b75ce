/* The checkpoint hypercall: capture of a running domain in epochs, and the making of another from them. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_ABI_CHECKPOINT_H
#define XEN_CORE_ABI_CHECKPOINT_H

#include <stdint.h>

/*
 * HYPERVISOR_checkpoint_op(struct checkpoint_op *op), for dom0 alone and not on itself. All numbers
 * are the host's byte order; addresses are linear addresses of the caller. Errors of every operation:
 *   -EPERM   the caller is not dom0, or the domain is
 *   -EACCES  version is not CHECKPOINT_VERSION
 *   -ENOSYS  no such operation
 *   -ESRCH   no such domain, or it is dying
 *   -EFAULT  op or a buffer cannot be read or written
 *   -EBUSY   another operation on the domain is under way
 *   -EINVAL  a reserved field or bit that is not 0, a count or size out of bounds
 *   -ENODEV  the domain is not attached (cut, fetch, state, written, detach)
 * and those named beside each. An operation that is refused has changed nothing, unless it says so.
 */
#define HYPERCALL_CHECKPOINT_OP 55
#define CHECKPOINT_VERSION      1

enum checkpoint_operation {
	CHECKPOINT_ATTACH = 1,
	CHECKPOINT_DETACH = 2,
	CHECKPOINT_CUT = 3,
	CHECKPOINT_FETCH = 4,
	CHECKPOINT_STATE = 5,
	CHECKPOINT_APPLY = 6,
	CHECKPOINT_LOAD = 7,
	CHECKPOINT_ACTIVATE = 8,
	CHECKPOINT_HASH = 9,
	CHECKPOINT_CLOCK = 10,
	CHECKPOINT_WRITTEN = 11,
};

#define CHECKPOINT_TWINS_MAX (1u << 20) /* pages of a pool */
#define CHECKPOINT_PAGES_MAX 256u       /* of one fetch or apply */
#define CHECKPOINT_STATE_MAX (8u << 20) /* bytes */

/*
 * Begins to log what the domain writes. The epoch that has just ended, 0, holds every page.
 * -EBUSY: it is attached or logged already. -ENOMEM.
 */
#define CHECKPOINT_OLD_VERSIONS 1u /* a twin for every page written, not only where one is needed */
struct checkpoint_attach {
	uint32_t twins; /* pages of the pool */
	uint32_t flags; /* CHECKPOINT_OLD_VERSIONS */
};

/*
 * Ends the epoch. -EBUSY: pages of the last one are left to fetch. -ENODATA: the log was lost for
 * want of memory: detach, attach, begin anew. -ENOMEM.
 */
struct checkpoint_cut {
	uint64_t epoch;      /* out: the number of the one that ended, from 1 */
	uint64_t pause;      /* out: ns that no vCPU ran */
	uint64_t time;       /* out: the host's system time at the cut */
	uint32_t dirty;      /* out: pages in it */
	uint32_t state_size; /* out: bytes that CHECKPOINT_STATE will give */
};

/*
 * Takes pages off the ended epoch. May give fewer than asked for; 0 only when none is left. -ENODATA.
 * After -EFAULT the pages of that call are lost to the epoch: begin anew.
 */
#define CHECKPOINT_PAGE_ABSENT 1u /* the domain had no page there: no contents */
#define CHECKPOINT_PAGE_OLD    2u /* old holds what was there at the cut before; never in epoch 1 */
struct checkpoint_page {
	uint64_t gfn;
	uint32_t flags;
	uint32_t reserved;
};
struct checkpoint_fetch {
	uint32_t count;    /* in: room, at most CHECKPOINT_PAGES_MAX; out: pages given */
	uint32_t left;     /* out: still to come (of epoch 0: not 0 until the last) */
	uint64_t pages;    /* struct checkpoint_page[count] */
	uint64_t contents; /* 4096 bytes for each; 0: not wanted. Of epoch 0 only: -EINVAL */
	uint64_t old;      /* the same; 0: old versions are not wanted */
};

/* The state at the last cut, as records (below). -ENODATA: there was no cut. -ENOSPC: size is too small. */
struct checkpoint_state {
	uint32_t size; /* in: room; out: bytes given */
	uint32_t reserved;
	uint64_t buffer;
};

/*
 * Writes pages into a domain that is paused, makes those it does not have, and gives back those that
 * are absent. -EINVAL also: not paused; -ENOMEM. count says how many were done, also after an error.
 */
struct checkpoint_apply {
	uint32_t count; /* in: at most CHECKPOINT_PAGES_MAX; out: done */
	uint32_t reserved;
	uint64_t pages;    /* struct checkpoint_page[count]; CHECKPOINT_PAGE_OLD must not be set */
	uint64_t contents; /* 4096 bytes for each, ignored where absent */
};

/* Sets a paused domain's state from records, all of which are checked first. -EINVAL, -ENOMEM. */
struct checkpoint_load {
	uint32_t size;
	uint32_t reserved;
	uint64_t buffer;
};

/* Unpauses it. -ETIME: the deadline (host's system time; 0: none) has passed. -EINVAL: not paused. */
struct checkpoint_activate {
	uint64_t deadline;
};

/*
 * For tests: a hash of the memory of a domain, by steps of some MiB until gfn is CHECKPOINT_HASH_DONE.
 * It is the sum, over the pages that there are, of a hash of gfn and contents: equal memory gives an equal
 * sum; what the sum is may change from build to build. An attached domain is taken as it was at its last
 * cut (or attach), though it runs on; another as it is now, and has to be paused: else -EINVAL. -ENODATA:
 * a page was written since the cut and its old version is not there: attach with CHECKPOINT_OLD_VERSIONS and
 * twins enough, or let the domain be paused from before the cut on. -ENOMEM.
 */
#define CHECKPOINT_HASH_DONE (~0ull)
struct checkpoint_hash {
	uint64_t gfn;   /* in: 0, or what the last step gave; out: where the next one goes on */
	uint64_t hash;  /* in: 0, or what the last step gave; out: with this step's pages */
	uint64_t pages; /* the same: how many there were */
};

/* The host's system time now: what deadlines are compared with. */
struct checkpoint_clock {
	uint64_t time; /* out: ns */
};

/* How much the running epoch has so far; what is written unseen (grant mappings) comes at the cut. */
struct checkpoint_written {
	uint32_t pages; /* out */
	uint32_t reserved;
};

struct checkpoint_op {
	uint32_t version;
	uint32_t operation;
	uint16_t domain;
	uint16_t reserved[3];
	union {
		struct checkpoint_attach attach;
		struct checkpoint_cut cut;
		struct checkpoint_fetch fetch;
		struct checkpoint_state state;
		struct checkpoint_apply apply;
		struct checkpoint_load load;
		struct checkpoint_activate activate;
		struct checkpoint_hash hash;
		struct checkpoint_clock clock;
		struct checkpoint_written written;
	} u;
};

_Static_assert(sizeof(struct checkpoint_page) == 16, "checkpoint ABI");
_Static_assert(sizeof(struct checkpoint_op) == 48, "checkpoint ABI");

#endif
