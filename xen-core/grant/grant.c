/* A domain's grant table: its frames, and where the guest has them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "grant/grant.h"

#include "lib/assert.h"
#include "lib/errno.h"
#include "mm/frame.h"
#include "mm/heap.h"

/*
 * The guest writes entries into these frames whenever it likes; whoever reads one takes a copy
 * and checks that. Frames are added and stay until the domain goes.
 */
struct grant_frame {
	mfn_t mfn; /* with the allocation's own reference */
	gfn_t gfn; /* GFN_NONE: the guest has it nowhere */
};

struct grant_table {
	struct lock lock; /* LOCK_GRANT */
	unsigned count, max;
	struct grant_frame *frames; /* max of them */
};

static int grow(struct grant_table *table)
{
	mfn_t mfn = frame_alloc(0, DOMID_XEN);

	ASSERT(table->count < table->max);
	if (mfn_is_none(mfn))
		return -ENOMEM;
	table->frames[table->count] = (struct grant_frame){ .mfn = mfn, .gfn = GFN_NONE };
	__atomic_store_n(&table->count, table->count + 1, __ATOMIC_RELEASE);
	return 0;
}

int grant_table_frame(struct domain *domain, unsigned index, mfn_t *mfn)
{
	struct grant_table *table = domain->grants;
	int err = 0;

	if (index >= table->max)
		return -EINVAL;
	lock_take(&table->lock);
	while (!err && table->count <= index)
		err = grow(table);
	if (!err) {
		*mfn = table->frames[index].mfn;
		frame_get(*mfn);
	}
	lock_release(&table->lock);
	return err;
}

gfn_t grant_table_place(struct domain *domain, unsigned index, gfn_t gfn)
{
	struct grant_table *table = domain->grants;
	gfn_t before;

	ASSERT(index < table->count);
	lock_take(&table->lock);
	before = table->frames[index].gfn;
	table->frames[index].gfn = gfn;
	lock_release(&table->lock);
	return before;
}

unsigned grant_table_frames(const struct domain *domain)
{
	return __atomic_load_n(&domain->grants->count, __ATOMIC_ACQUIRE);
}

unsigned grant_table_max_frames(const struct domain *domain)
{
	return domain->grants->max;
}

static void destroy(struct domain *domain)
{
	struct grant_table *table = domain->grants;

	if (!table)
		return;
	for (unsigned i = 0; i < table->count; i++)
		frame_put(table->frames[i].mfn);
	heap_free(table->frames);
	heap_free(table);
	domain->grants = NULL;
}

static int create(struct domain *domain, const struct domain_config *config)
{
	struct grant_table *table = heap_alloc(sizeof(*table));

	if (!table)
		return -ENOMEM;
	domain->grants = table; /* destroy takes it from here, whatever is missing */
	lock_init(&table->lock, LOCK_GRANT);
	table->max = config->max_grant_frames ? config->max_grant_frames : GRANT_FRAMES_DEFAULT;
	if (table->max > GRANT_FRAMES_MAX)
		return -EINVAL;
	table->frames = heap_alloc(table->max * sizeof(*table->frames));
	if (!table->frames)
		return -ENOMEM;
	return grow(table);
}

const struct unit grant_unit = {
	.name = "grant",
	.domain_create = create,
	.domain_destroy = destroy,
};
