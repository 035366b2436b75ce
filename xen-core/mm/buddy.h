/* Which blocks of frames are free: power-of-two blocks that split and grow together again. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_MM_BUDDY_H
#define XEN_CORE_MM_BUDDY_H

#include "lib/types.h"

#define BUDDY_MAX_ORDER 18
#define BUDDY_LEVELS    6 /* 64^6 frames are more than any machine has */
#define BUDDY_NONE      (~0UL)

/*
 * One set of block numbers for each order, as a bitmap with summaries: a bit of level n + 1 says that
 * the 64 bits below it in level n are not all 0. So the highest member is found in a few steps.
 */
struct buddy_set {
	unsigned levels;
	unsigned long *words[BUDDY_LEVELS];
};

/* Not locked: that is the caller's. */
struct buddy {
	uint64_t frames; /* numbers below this exist */
	uint64_t free;
	struct buddy_set free_blocks[BUDDY_MAX_ORDER + 1];
};

/* What buddy_init needs for this many frames. */
size_t buddy_size(uint64_t frames);

/* All frames are in use. `memory` is zeroed. */
void buddy_init(struct buddy *buddy, uint64_t frames, void *memory);

/* [first, first + count) becomes free; none of it may be. */
void buddy_give(struct buddy *buddy, uint64_t first, uint64_t count);

/* The highest free block of 2^order frames; BUDDY_NONE if there is none. */
uint64_t buddy_take(struct buddy *buddy, unsigned order);

/* Takes [first, first + count), all of which must be free. */
void buddy_take_range(struct buddy *buddy, uint64_t first, uint64_t count);

#endif
