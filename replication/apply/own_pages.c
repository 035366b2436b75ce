/* Listing a domain's pages by way of its epoch 0, and clearing those that nobody marked. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/apply/own_pages.h"

#include <errno.h>
#include <stdlib.h>

#define BATCH CHECKPOINT_PAGES_MAX

static int add(struct own_pages *own, uint64_t gfn)
{
	/* Epoch 0 comes in order, which is what makes looking up cheap. */
	if (gfn & OWN_PAGE_KEPT || (own->count && gfn <= own->gfns[own->count - 1]))
		return -EPROTO;
	if (own->count == own->room) {
		size_t room = own->room ? own->room * 2 : 4096;
		uint64_t *gfns = realloc(own->gfns, room * sizeof(*gfns));

		if (!gfns)
			return -ENOMEM;
		own->gfns = gfns;
		own->room = room;
	}
	own->gfns[own->count++] = gfn;
	return 0;
}

static int list_attached(struct hyper *hyper, uint16_t domain, struct own_pages *own,
                         struct hyper_pages *batch)
{
	uint32_t left;
	int err;

	do {
		err = hyper_fetch(hyper, domain, batch, &left);
		for (uint32_t i = 0; !err && i < batch->count; i++)
			err = add(own, batch->pages[i].gfn);
	} while (!err && left);
	return err;
}

int own_pages_list(struct hyper *hyper, uint16_t domain, struct own_pages *own)
{
	const struct checkpoint_attach attach = { 0 };
	struct hyper_pages batch;
	int err;

	*own = (struct own_pages){ 0 };
	err = hyper_pages_make_list(hyper, &batch, BATCH);
	if (err)
		return err;
	err = hyper_attach(hyper, domain, &attach);
	if (!err) {
		err = list_attached(hyper, domain, own, &batch);
		hyper_detach(hyper, domain);
	}
	hyper_pages_free(hyper, &batch);
	if (err)
		own_pages_free(own);
	return err;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a & ~OWN_PAGE_KEPT;
	uint64_t y = *(const uint64_t *)b & ~OWN_PAGE_KEPT;

	return x < y ? -1 : x > y;
}

void own_pages_mark(struct own_pages *own, const struct hyper_pages *pages)
{
	for (uint32_t i = 0; i < pages->count && own->count; i++) {
		uint64_t *found = bsearch(&pages->pages[i].gfn, own->gfns, own->count,
		                          sizeof(*own->gfns), compare);

		if (found)
			*found |= OWN_PAGE_KEPT;
	}
}

int own_pages_clear_unmarked(struct hyper *hyper, uint16_t domain, const struct own_pages *own)
{
	struct hyper_pages batch;
	int err = hyper_pages_make(hyper, &batch, BATCH, 0);

	for (size_t i = 0; !err && i < own->count; i++) {
		if (own->gfns[i] & OWN_PAGE_KEPT)
			continue;
		batch.pages[batch.count++] = (struct checkpoint_page){ own->gfns[i],
			                                               CHECKPOINT_PAGE_ABSENT, 0 };
		if (batch.count == batch.room) {
			err = hyper_apply(hyper, domain, &batch);
			batch.count = 0;
		}
	}
	if (!err)
		err = hyper_apply(hyper, domain, &batch);
	hyper_pages_free(hyper, &batch);
	return err;
}

void own_pages_free(struct own_pages *own)
{
	free(own->gfns);
	*own = (struct own_pages){ 0 };
}
