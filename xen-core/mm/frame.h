/* The frame allocator: who owns each frame of RAM, how often it is referenced, scrubbing. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_MM_FRAME_H
#define XEN_CORE_MM_FRAME_H

#include "abi/public.h"
#include "lib/types.h"

#define FRAME_MAX_ORDER 18 /* 1 GiB */

/*
 * Every frame of RAM is free, the hypervisor's (owner DOMID_XEN) or a domain's. An allocated frame
 * has a count: one for the allocation, one for each p2m entry, grant or foreign mapping and each
 * other use that must keep it alive. The last frame_put frees it; before it is handed out again it is
 * scrubbed (I8): contents of a frame from frame_alloc are zero.
 */
mfn_t frame_alloc(unsigned order, domid_t owner); /* 2^order frames, aligned; MFN_NONE if none */

/* Ownership of a given range of free frames, contents left as they are; -EBUSY if any is not free.
 * For the boot: dom0's memory is taken so, when no other domain has written to it yet. */
int frame_claim(mfn_t first, uint64_t count, domid_t owner);

/* Another reference; the caller knows that the frame is allocated. */
void frame_get(mfn_t mfn);

/* A reference if the frame exists, is allocated and is the owner's: false otherwise. */
bool frame_get_owned(mfn_t mfn, domid_t owner);

/* The last reference frees the frame. */
void frame_put(mfn_t mfn);

/* Drops the allocation's own reference on 2^order frames. */
void frame_free(mfn_t first, unsigned order);

/* The order with which this block was allocated. */
unsigned frame_order(mfn_t first);

bool frame_is_ram(mfn_t mfn);   /* false: device memory, firmware's, beyond RAM */
domid_t frame_owner(mfn_t mfn); /* DOMID_INVALID if free or not RAM */
uint32_t frame_count(mfn_t mfn);

uint64_t frames_free(void);
uint64_t frames_total(void);

/* Boot: all RAM becomes free but page 0 and what is in use (mm/boot_memory.h), which is DOMID_XEN's. */
void frame_init(void);

/* What was in use at boot, [start, end), is so no more: the modules, once they are read. */
void frame_release_boot(paddr_t start, paddr_t end);

#endif
