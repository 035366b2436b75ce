/* A domain's grant table: its frames, and where the guest has them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "grant/grant.h"

#include "grant/table.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "mm/frame.h"
#include "mm/heap.h"

#define RELEASED_AT_ONCE 256 /* mappings of a dying domain, before interrupts get their chance */

static int grow(struct grant_table *table)
{
	mfn_t mfn = frame_alloc(0, DOMID_XEN);
	struct active *active;

	ASSERT(table->count < table->max);
	if (mfn_is_none(mfn))
		return -ENOMEM;
	active = heap_alloc(GRANTS_PER_FRAME * sizeof(*active));
	if (!active) {
		frame_put(mfn);
		return -ENOMEM;
	}
	table->frames[table->count] = (struct grant_frame){ mfn, GFN_NONE, active };
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

void grant_domain_next(struct domain **granter, domid_t id, struct vcpu *caller)
{
	if (*granter && (*granter)->id == domain_id(id, caller))
		return;
	if (*granter)
		domain_put(*granter);
	*granter = domain_get(id, caller);
}

static bool relinquish(struct domain *domain)
{
	return grant_release_mappings(domain, RELEASED_AT_ONCE);
}

/* Nobody holds a grant of the domain any more, or it would still be referred to. */
static void destroy(struct domain *domain)
{
	struct grant_table *table = domain->grants;

	if (!table)
		return;
	while (table->maptrack.page_count && !relinquish(domain))
		;
	for (unsigned i = 0; i < table->count; i++) {
		frame_put(table->frames[i].mfn);
		heap_free(table->frames[i].active);
	}
	maptrack_destroy(&table->maptrack);
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
	maptrack_init(&table->maptrack);
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
	.domain_relinquish = relinquish,
};
