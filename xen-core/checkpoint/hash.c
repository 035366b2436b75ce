/* A sum over a domain's memory, by which tests see that two domains have the same. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/checkpoint.h"

#include "lib/errno.h"
#include "mm/heap.h"

#define FACTOR 0x9e3779b97f4a7c15UL /* odd, its bits well mixed */

/* The rotation brings the high bits, which a product leaves where they are, to where they change others. */
static uint64_t mix(uint64_t hash, uint64_t word)
{
	return ((hash << 29 | hash >> 35) ^ word) * FACTOR;
}

/* The pages' hashes are summed, so each has to depend on all of its bits in all of its own. */
static uint64_t hash_page(gfn_t gfn, const uint64_t *words)
{
	uint64_t hash = mix(FACTOR, gfn.v);

	for (unsigned i = 0; i < PAGE_SIZE / sizeof(*words); i++)
		hash = mix(hash, words[i]);
	hash ^= hash >> 32;
	return mix(hash, gfn.v);
}

static int step(struct domain *domain, struct checkpoint_hash *hash, unsigned pages, void *contents)
{
	struct dirty_taken taken;

	while (pages--) {
		int err = dirty_read_cut(&domain->p2m, GFN(hash->gfn), contents, &taken);

		if (err)
			return err;
		if (taken.kind == DIRTY_NO_MORE) {
			hash->gfn = CHECKPOINT_HASH_DONE;
			return 0;
		}
		hash->hash += hash_page(taken.gfn, contents);
		hash->pages++;
		hash->gfn = taken.gfn.v + 1;
	}
	return 0;
}

int checkpoint_hash(struct domain *domain, struct checkpoint_hash *hash, unsigned pages)
{
	void *contents = heap_alloc(PAGE_SIZE);
	int err;

	if (!contents)
		return -ENOMEM;
	err = step(domain, hash, pages, contents);
	heap_free(contents);
	return err;
}
