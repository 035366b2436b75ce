/* Another domain's memory as dom0 reads it: mapped in large pieces, when they are first looked at. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/domain/shadow_memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <xenforeignmemory.h>

#define PAGE 4096u

int shadow_memory_open(struct shadow_memory *memory, uint16_t domain)
{
	memory->domain = domain;
	memory->pieces = calloc(SHADOW_PIECES_MAX, sizeof(*memory->pieces));
	if (!memory->pieces)
		return -ENOMEM;
	memory->handle = xenforeignmemory_open(NULL, 0);
	if (memory->handle)
		return 0;
	free(memory->pieces);
	memory->pieces = NULL;
	return -errno;
}

static void unmap(struct shadow_memory *memory, struct shadow_piece *piece)
{
	if (piece->memory)
		xenforeignmemory_unmap(memory->handle, piece->memory, SHADOW_PIECE_PAGES);
	piece->memory = NULL;
}

void shadow_memory_close(struct shadow_memory *memory)
{
	if (!memory->pieces)
		return;
	for (unsigned int i = 0; i < SHADOW_PIECES_MAX; i++)
		unmap(memory, &memory->pieces[i]);
	free(memory->pieces);
	xenforeignmemory_close(memory->handle);
	memory->pieces = NULL;
}

static int map(struct shadow_memory *memory, struct shadow_piece *piece, uint64_t number)
{
	xen_pfn_t gfns[SHADOW_PIECE_PAGES];
	int errors[SHADOW_PIECE_PAGES];

	for (unsigned int i = 0; i < SHADOW_PIECE_PAGES; i++)
		gfns[i] = number * SHADOW_PIECE_PAGES + i;
	piece->memory = xenforeignmemory_map(memory->handle, memory->domain, PROT_READ,
	                                     SHADOW_PIECE_PAGES, gfns, errors);
	if (!piece->memory)
		return -errno;
	piece->number = number;
	memset(piece->is_absent, 0, sizeof(piece->is_absent));
	for (unsigned int i = 0; i < SHADOW_PIECE_PAGES; i++) {
		if (errors[i])
			piece->is_absent[i / 8] |= (uint8_t)(1u << i % 8);
	}
	return 0;
}

static struct shadow_piece *piece_of(const struct shadow_memory *memory, uint64_t gfn)
{
	return &memory->pieces[gfn / SHADOW_PIECE_PAGES % SHADOW_PIECES_MAX];
}

static int is_mapped(const struct shadow_piece *piece, uint64_t gfn)
{
	return piece->memory && piece->number == gfn / SHADOW_PIECE_PAGES;
}

static int is_absent(const struct shadow_piece *piece, uint64_t gfn)
{
	unsigned int i = gfn % SHADOW_PIECE_PAGES;

	return piece->is_absent[i / 8] >> i % 8 & 1;
}

int shadow_memory_read(struct shadow_memory *memory, uint64_t gfn, uint8_t *page)
{
	struct shadow_piece *piece = piece_of(memory, gfn);
	int err = 0;

	if (!is_mapped(piece, gfn)) {
		unmap(memory, piece);
		err = map(memory, piece, gfn / SHADOW_PIECE_PAGES);
	}
	if (err)
		return err;
	if (is_absent(piece, gfn))
		memset(page, 0, PAGE);
	else
		memcpy(page, piece->memory + gfn % SHADOW_PIECE_PAGES * PAGE, PAGE);
	return 0;
}

void shadow_memory_changes(struct shadow_memory *memory, uint64_t gfn, int is_there)
{
	struct shadow_piece *piece = piece_of(memory, gfn);

	if (is_mapped(piece, gfn) && (!is_there || is_absent(piece, gfn)))
		unmap(memory, piece);
}
