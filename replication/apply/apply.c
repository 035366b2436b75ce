/* Staging epochs and committing them to a shadow. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/apply/apply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int apply_begin(struct apply *apply, struct hyper *hyper, uint16_t domain, uint32_t staged_pages)
{
	uint64_t chunks = ((uint64_t)staged_pages + APPLY_CHUNK_PAGES - 1) / APPLY_CHUNK_PAGES;
	int err;

	*apply = (struct apply){ .hyper = hyper, .domain = domain };
	apply->chunk_limit = (uint32_t)chunks;
	apply->chunks = calloc(chunks ? chunks : 1, sizeof(*apply->chunks));
	err = apply->chunks ? own_pages_list(hyper, domain, &apply->own) : -ENOMEM;
	if (err)
		apply_end(apply);
	return err;
}

int apply_first(struct apply *apply, const struct hyper_pages *pages)
{
	own_pages_mark(&apply->own, pages);
	return hyper_apply(apply->hyper, apply->domain, pages);
}

int apply_first_end(struct apply *apply)
{
	int err = own_pages_clear_unmarked(apply->hyper, apply->domain, &apply->own);

	own_pages_free(&apply->own);
	return err;
}

/* A chunk with room, or NULL: *err says why. */
static struct hyper_pages *find_chunk(struct apply *apply, int *err)
{
	struct hyper_pages *chunk = &apply->chunks[apply->chunk_used];

	if (apply->chunk_used < apply->chunk_count && chunk->count < chunk->room)
		return chunk;
	if (apply->chunk_used < apply->chunk_count)
		apply->chunk_used++;
	if (apply->chunk_used == apply->chunk_limit) {
		*err = -ENOSPC;
		return NULL;
	}
	chunk = &apply->chunks[apply->chunk_used];
	if (apply->chunk_used == apply->chunk_count) {
		*err = hyper_pages_make(apply->hyper, chunk, APPLY_CHUNK_PAGES, 0);
		if (*err)
			return NULL;
		apply->chunk_count++;
	}
	return chunk;
}

static void stage_one(struct hyper_pages *chunk, const struct hyper_pages *from, uint32_t i)
{
	struct checkpoint_page *page = &chunk->pages[chunk->count];

	*page = from->pages[i];
	page->flags &= ~CHECKPOINT_PAGE_OLD;
	if (!(page->flags & CHECKPOINT_PAGE_ABSENT))
		memcpy(chunk->contents + (size_t)chunk->count * HYPER_PAGE_SIZE,
		       from->contents + (size_t)i * HYPER_PAGE_SIZE, HYPER_PAGE_SIZE);
	chunk->count++;
}

int apply_stage(struct apply *apply, const struct hyper_pages *pages)
{
	int err = 0;

	for (uint32_t i = 0; i < pages->count; i++) {
		struct hyper_pages *chunk = find_chunk(apply, &err);

		if (!chunk)
			return err;
		stage_one(chunk, pages, i);
	}
	return 0;
}

static void free_state(struct apply *apply, void **state, uint32_t *size)
{
	hyper_free(apply->hyper, *state, *size);
	*state = NULL;
	*size = 0;
}

int apply_stage_state(struct apply *apply, const void *records, uint32_t size)
{
	void *copy;

	if (!size || size > CHECKPOINT_STATE_MAX)
		return -EINVAL;
	copy = hyper_alloc(apply->hyper, size);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, records, size);
	free_state(apply, &apply->staged_state, &apply->staged_size);
	apply->staged_state = copy;
	apply->staged_size = size;
	return 0;
}

int apply_commit(struct apply *apply)
{
	int err;

	if (!apply->staged_size)
		return -ENODATA;
	for (uint32_t i = 0; i < apply->chunk_count && apply->chunks[i].count; i++) {
		err = hyper_apply(apply->hyper, apply->domain, &apply->chunks[i]);
		if (err)
			return err;
	}
	free_state(apply, &apply->state, &apply->state_size);
	apply->state = apply->staged_state;
	apply->state_size = apply->staged_size;
	apply->staged_state = NULL;
	apply->staged_size = 0;
	apply_drop(apply);
	return 0;
}

void apply_drop(struct apply *apply)
{
	for (uint32_t i = 0; i < apply->chunk_count; i++)
		apply->chunks[i].count = 0;
	apply->chunk_used = 0;
	free_state(apply, &apply->staged_state, &apply->staged_size);
}

int apply_load(struct apply *apply)
{
	if (!apply->state_size)
		return -ENODATA;
	return hyper_load(apply->hyper, apply->domain, apply->state, apply->state_size);
}

int apply_activate(struct apply *apply, uint64_t deadline)
{
	return hyper_activate(apply->hyper, apply->domain, deadline);
}

void apply_end(struct apply *apply)
{
	if (!apply->hyper)
		return;
	own_pages_free(&apply->own);
	for (uint32_t i = 0; i < apply->chunk_count; i++)
		hyper_pages_free(apply->hyper, &apply->chunks[i]);
	free(apply->chunks);
	free_state(apply, &apply->staged_state, &apply->staged_size);
	free_state(apply, &apply->state, &apply->state_size);
	*apply = (struct apply){ 0 };
}
