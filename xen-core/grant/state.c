/* A domain's grant table into records and out of them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "grant/state.h"

#include "grant/grant.h"
#include "grant/table.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/host_map.h"

void grant_state_save(struct domain *domain, struct state_grants *grants, uint32_t frames)
{
	*grants = (struct state_grants){ .frames = frames };
	for (uint32_t i = 0; i < frames; i++)
		grants->gfns[i] = domain->grants->frames[i].gfn.v;
}

void grant_state_save_frame(struct domain *domain, uint32_t index, void *to)
{
	memcpy(to, mfn_to_virt(domain->grants->frames[index].mfn), PAGE_SIZE);
}

bool grant_state_is_held(struct domain *domain)
{
	struct grant_table *table = domain->grants;
	bool held = false;

	lock_take(&table->lock);
	for (uint32_t ref = 0; !held && ref < table->count * GRANTS_PER_FRAME; ref++)
		held = grant_active(table, ref)->readers || grant_active(table, ref)->writers;
	lock_release(&table->lock);
	return held;
}

/* Whoever used a grant on the other host does so no more: nobody else would ever take the marks away. */
static void load_frame(struct grant_table *table, uint32_t index, const void *from)
{
	struct grant_entry_v1 *entries = mfn_to_virt(table->frames[index].mfn);

	memcpy(entries, from, PAGE_SIZE);
	for (unsigned i = 0; i < GRANTS_PER_FRAME; i++)
		entries[i].flags &= (uint16_t) ~(GTF_reading | GTF_writing);
}

int grant_state_load(struct domain *domain, const struct state_grants *grants,
                     const void *const *frames)
{
	mfn_t mfn;
	int err = grant_table_frame(domain, grants->frames - 1, &mfn);

	if (err)
		return err;
	frame_put(mfn);
	for (uint32_t i = 0; i < grants->frames; i++)
		load_frame(domain->grants, i, frames[i]);
	return 0;
}
