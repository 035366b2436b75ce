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

static bool is_same_grant(const struct grant_entry_v1 *entry, const struct active *active)
{
	return (entry->flags & GTF_type_mask) == GTF_permit_access &&
	       entry->domid == active->holder && entry->frame == active->gfn &&
	       !(active->writers && entry->flags & GTF_readonly);
}

bool grant_state_fits(struct domain *domain, uint32_t count, const void *const *frames)
{
	struct grant_table *table = domain->grants;
	bool fits = true;

	lock_take(&table->lock);
	for (uint32_t ref = 0; fits && ref < table->count * GRANTS_PER_FRAME; ref++) {
		const struct active *active = grant_active(table, ref);
		uint32_t frame = ref / GRANTS_PER_FRAME;
		const struct grant_entry_v1 *entries = frame < count ? frames[frame] : NULL;

		if (active->readers || active->writers)
			fits = entries && is_same_grant(&entries[ref % GRANTS_PER_FRAME], active);
	}
	lock_release(&table->lock);
	return fits;
}

/* Whoever used a grant on the other host does so no more; the marks are those of who holds it here. */
static void load_frame(struct grant_table *table, uint32_t index, const void *from)
{
	struct grant_entry_v1 *entries = mfn_to_virt(table->frames[index].mfn);

	lock_take(&table->lock);
	memcpy(entries, from, PAGE_SIZE);
	for (unsigned i = 0; i < GRANTS_PER_FRAME; i++) {
		const struct active *active = &table->frames[index].active[i];

		entries[i].flags &= (uint16_t) ~(GTF_reading | GTF_writing);
		if (active->writers)
			entries[i].flags |= GTF_reading | GTF_writing;
		else if (active->readers)
			entries[i].flags |= GTF_reading;
	}
	lock_release(&table->lock);
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
