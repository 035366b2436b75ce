/* Another domain's memory as dom0 reads it: mapped in large pieces, when they are first looked at. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_DOMAIN_SHADOW_MEMORY_H
#define REPLICATION_DOMAIN_SHADOW_MEMORY_H

#include <stddef.h>
#include <stdint.h>

struct xenforeignmemory_handle;

#define SHADOW_PIECE_PAGES 512u
/* Mapped at a time: 4 GiB. Then the first is given up for another. */
#define SHADOW_PIECES_MAX 2048u

struct shadow_piece {
	uint64_t number; /* gfn / SHADOW_PIECE_PAGES */
	uint8_t *memory; /* NULL: none */
	uint8_t is_absent[SHADOW_PIECE_PAGES / 8];
};

struct shadow_memory {
	struct xenforeignmemory_handle *handle;
	uint16_t domain;
	struct shadow_piece *pieces; /* SHADOW_PIECES_MAX, by number modulo that */
};

/* 0 or a negative errno. */
int shadow_memory_open(struct shadow_memory *memory, uint16_t domain);
void shadow_memory_close(struct shadow_memory *memory); /* fine if all zero */

/* Copy a page; zeroes where the domain has none. */
int shadow_memory_read(struct shadow_memory *memory, uint64_t gfn, uint8_t *page);

/* The domain is given that page, or it is taken away: what is mapped may not be what it has. is_there: it will be. */
void shadow_memory_changes(struct shadow_memory *memory, uint64_t gfn, int is_there);

#endif
