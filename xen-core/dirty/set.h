/* A set of gfns in the order they came, each with the old version of its page. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_DIRTY_SET_H
#define XEN_CORE_DIRTY_SET_H

#include "lib/types.h"

/* Of a page's old version: */
#define OLD_NONE   UINT32_MAX       /* was not kept */
#define OLD_ABSENT (UINT32_MAX - 1) /* there was no page */

struct dirty_page {
	uint32_t gfn;
	uint32_t old; /* number of a twin, or one of the above */
};

/* Grows and shrinks by pages of memory; its user serialises. */
struct dirty_set {
	uint32_t count;
	uint64_t limit;            /* gfns are below */
	struct dirty_page **parts; /* the list, in pieces */
	uint32_t **index;          /* by gfn: place in the list + 1, in pieces */
};

int dirty_set_create(struct dirty_set *set, uint64_t limit); /* -ENOMEM */
void dirty_set_destroy(struct dirty_set *set);               /* one of zeros is fine */

struct dirty_page *dirty_set_find(const struct dirty_set *set, gfn_t gfn); /* or NULL */

/* Of a gfn that is not in it. NULL: no memory, or not below the limit. */
struct dirty_page *dirty_set_add(struct dirty_set *set, gfn_t gfn);

struct dirty_page *dirty_set_last(const struct dirty_set *set); /* NULL: the set is empty */
void dirty_set_drop_last(struct dirty_set *set);

/* The lowest of its gfns that is not below from, nor at or above to; GFN_NONE. */
gfn_t dirty_set_next(const struct dirty_set *set, gfn_t from, gfn_t to);

/* A bit for each of count gfns from first on (multiples of 8): those of the set are set. */
void dirty_set_bits(const struct dirty_set *set, uint64_t first, uint64_t count, uint8_t *bits);

#endif
