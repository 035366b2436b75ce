/* The handles of a domain that maps grants: what each stands for. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "grant/maptrack.h"

#include "grant/table.h"
#include "lib/assert.h"
#include "mm/heap.h"

#define MAPTRACK_PAGES   1024 /* as many as the ABI's callers expect by default */
#define HANDLES_PER_PAGE (PAGE_SIZE / sizeof(struct mapping))

void maptrack_init(struct maptrack *maptrack)
{
	maptrack->free = HANDLE_NONE;
}

void maptrack_destroy(struct maptrack *maptrack)
{
	for (unsigned i = 0; i < maptrack->page_count; i++)
		heap_free(maptrack->pages[i]);
	heap_free(maptrack->pages);
}

/* NULL: there is no such handle. */
static struct mapping *entry(const struct maptrack *maptrack, grant_handle_t handle)
{
	unsigned page = handle / HANDLES_PER_PAGE;

	return page < maptrack->page_count ? &maptrack->pages[page][handle % HANDLES_PER_PAGE]
	                                   : NULL;
}

static void put_free(struct maptrack *maptrack, grant_handle_t handle)
{
	struct mapping *mapping = entry(maptrack, handle);

	mapping->granter = NULL;
	mapping->next_free = maptrack->free;
	maptrack->free = handle;
}

/* Nothing changes if there is no memory. */
static void grow(struct maptrack *maptrack)
{
	grant_handle_t first = maptrack->page_count * HANDLES_PER_PAGE;
	struct mapping *page;

	if (!maptrack->pages)
		maptrack->pages = heap_alloc(MAPTRACK_PAGES * sizeof(*maptrack->pages));
	if (!maptrack->pages || maptrack->page_count == MAPTRACK_PAGES)
		return;
	page = heap_alloc(HANDLES_PER_PAGE * sizeof(*page));
	if (!page)
		return;
	maptrack->pages[maptrack->page_count++] = page;
	for (unsigned i = HANDLES_PER_PAGE; i--;)
		put_free(maptrack, first + i);
}

grant_handle_t maptrack_reserve(struct domain *mapper)
{
	struct grant_table *table = mapper->grants;
	grant_handle_t handle;

	lock_take(&table->lock);
	if (table->maptrack.free == HANDLE_NONE)
		grow(&table->maptrack);
	handle = table->maptrack.free;
	if (handle != HANDLE_NONE)
		table->maptrack.free = entry(&table->maptrack, handle)->next_free;
	lock_release(&table->lock);
	return handle;
}

void maptrack_fill(struct domain *mapper, grant_handle_t handle, const struct mapping *mapping)
{
	struct grant_table *table = mapper->grants;

	ASSERT(mapping->granter);
	lock_take(&table->lock);
	*entry(&table->maptrack, handle) = *mapping;
	lock_release(&table->lock);
}

void maptrack_cancel(struct domain *mapper, grant_handle_t handle)
{
	struct grant_table *table = mapper->grants;

	lock_take(&table->lock);
	put_free(&table->maptrack, handle);
	lock_release(&table->lock);
}

int16_t maptrack_take(struct domain *mapper, grant_handle_t handle, gfn_t gfn,
                      struct mapping *mapping)
{
	struct grant_table *table = mapper->grants;
	int16_t status = GNTST_okay;
	struct mapping *found;

	lock_take(&table->lock);
	found = entry(&table->maptrack, handle);
	if (!found || !found->granter) {
		status = GNTST_bad_handle;
	} else if (found->gfn.v != gfn.v) {
		status = GNTST_bad_virt_addr;
	} else {
		*mapping = *found;
		put_free(&table->maptrack, handle);
	}
	lock_release(&table->lock);
	return status;
}

bool maptrack_take_any(struct domain *mapper, struct mapping *mapping)
{
	struct grant_table *table = mapper->grants;
	struct mapping *found;

	lock_take(&table->lock);
	do
		found = entry(&table->maptrack, table->maptrack.released_to++);
	while (found && !found->granter);
	if (found) {
		*mapping = *found;
		put_free(&table->maptrack, table->maptrack.released_to - 1);
	} else {
		table->maptrack.released_to--;
	}
	lock_release(&table->lock);
	return found;
}
