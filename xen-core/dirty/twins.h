/* Copies of pages as they were: a pool of frames of bounded size. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_DIRTY_TWINS_H
#define XEN_CORE_DIRTY_TWINS_H

#include "lib/types.h"

/* Twins are known by number. Its user serialises. */
struct twins {
	uint32_t size;  /* of the pool */
	uint32_t limit; /* numbers are below: the pool's and the reserve's */
	uint32_t free;  /* length of the stack */
	mfn_t *frames;  /* by number; of the reserve MFN_NONE while it is not in use */
	uint32_t *stack;
};

int twins_create(struct twins *twins, uint32_t size); /* -ENOMEM */
void twins_destroy(struct twins *twins);              /* one of zeros is fine */

/* OLD_NONE (dirty/set.h): the pool is used up. */
uint32_t twins_take(struct twins *twins);
/* The same from beyond the pool, for whom cannot wait. */
uint32_t twins_take_reserve(struct twins *twins);
void twins_give(struct twins *twins, uint32_t number);

/* A page into a twin: from its end to its beginning, a word at a time. See the ring that dom0 writes, in
 * docs/checkpoint.md. */
void twins_copy(struct twins *twins, uint32_t number, const void *from);

void *twins_page(const struct twins *twins, uint32_t number);

#endif
