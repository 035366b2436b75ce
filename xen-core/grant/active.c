/* Who holds each reference of a granter, and the bits in the shared entry that tell the guest so. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "grant/active.h"

#include "grant/grant.h"
#include "grant/table.h"
#include "lib/assert.h"
#include "mm/frame.h"
#include "mm/host_map.h"

/*
 * The first half of an entry, flags and domain, is one word: the bits that say "in use" are set by
 * compare-and-exchange on all of it, so they never land in an entry that was just revoked. The guest
 * does the same: it revokes only a word without them. In use is told before the frame is looked
 * up, and taken back only when nothing can touch the frame any more.
 *
 * A frame with writers changes without a page fault of its owner and without the hypervisor's doing:
 * hold_locked and let_go_locked are where a frame's first writer comes and its last one goes.
 */
struct entry_word {
	uint16_t flags;
	domid_t holder;
} __attribute__((aligned(4)));

/* Attempts against a guest that changes the entry all the time. */
#define ATTEMPTS 16

static struct grant_entry_v1 *shared_entry(const struct grant_table *table, grant_ref_t ref)
{
	struct grant_entry_v1 *entries = mfn_to_virt(table->frames[ref / GRANTS_PER_FRAME].mfn);

	return &entries[ref % GRANTS_PER_FRAME];
}

static bool is_granted(const struct entry_word *word, domid_t holder, bool write)
{
	return (word->flags & GTF_type_mask) == GTF_permit_access && word->holder == holder &&
	       !(write && word->flags & GTF_readonly);
}

static int16_t mark_used(struct grant_entry_v1 *entry, domid_t holder, bool write)
{
	struct entry_word *shared = (struct entry_word *)entry;
	struct entry_word old, new;

	__atomic_load(shared, &old, __ATOMIC_ACQUIRE);
	for (unsigned i = 0; i < ATTEMPTS; i++) {
		if (!is_granted(&old, holder, write))
			return GNTST_general_error;
		new = old;
		new.flags |= write ? GTF_reading | GTF_writing : GTF_reading;
		if (__atomic_compare_exchange(shared, &old, &new, false, __ATOMIC_SEQ_CST,
		                              __ATOMIC_ACQUIRE))
			return GNTST_okay;
	}
	return GNTST_eagain;
}

/* The bits go that no holder stands for any more. */
static void mark_unused(struct grant_entry_v1 *entry, const struct active *active)
{
	uint16_t bits = 0;

	if (!active->writers)
		bits |= GTF_writing;
	if (!active->writers && !active->readers)
		bits |= GTF_reading;
	__atomic_fetch_and(&entry->flags, (uint16_t)~bits, __ATOMIC_SEQ_CST);
}

/* The frame behind a reference that is not held yet: memory of the granter's own. */
static int16_t look_up(struct domain *granter, struct active *active, uint32_t gfn, domid_t holder,
                       bool write)
{
	enum p2m_type type;
	mfn_t mfn = p2m_get(&granter->p2m, GFN(gfn), &type);

	if (mfn_is_none(mfn))
		return GNTST_bad_page;
	if (type != P2M_RAM && (type != P2M_RAM_RO || write)) {
		frame_put(mfn);
		return GNTST_bad_page;
	}
	active->mfn = mfn;
	active->gfn = gfn;
	active->holder = holder;
	return GNTST_okay;
}

static bool is_held(const struct active *active)
{
	return active->readers || active->writers;
}

static int16_t join(struct domain *granter, struct active *active, uint32_t gfn, domid_t holder,
                    bool write)
{
	if (!is_held(active))
		return look_up(granter, active, gfn, holder, write);
	if (active->gfn != gfn || active->holder != holder)
		return GNTST_general_error; /* the guest rewrote an entry in use */
	if (active->readers == UINT8_MAX || active->writers == UINT8_MAX)
		return GNTST_no_space;
	return GNTST_okay;
}

static int16_t hold_locked(struct domain *granter, grant_ref_t ref, domid_t holder, bool write,
                           struct grant_hold *hold)
{
	struct active *active = grant_active(granter->grants, ref);
	struct grant_entry_v1 *entry;
	int16_t status;

	if (!active)
		return GNTST_bad_gntref;
	entry = shared_entry(granter->grants, ref);
	status = mark_used(entry, holder, write);
	if (status)
		return status;
	status = join(granter, active, __atomic_load_n(&entry->frame, __ATOMIC_ACQUIRE), holder,
	              write);
	if (status) {
		mark_unused(entry, active);
		return status;
	}
	if (write)
		active->writers++;
	else
		active->readers++;
	*hold = (struct grant_hold){ granter, ref, write, GFN(active->gfn), active->mfn };
	return GNTST_okay;
}

static void let_go_locked(struct grant_hold *hold)
{
	struct grant_table *table = hold->granter->grants;
	struct active *active = grant_active(table, hold->ref);

	ASSERT(active && (hold->write ? active->writers : active->readers));
	if (hold->write)
		active->writers--;
	else
		active->readers--;
	if (!is_held(active))
		frame_put(active->mfn);
	mark_unused(shared_entry(table, hold->ref), active);
	hold->granter = NULL;
}

int16_t grant_hold_next(struct grant_hold *hold, struct domain *granter, grant_ref_t ref,
                        domid_t holder, bool write)
{
	int16_t status;

	if (hold->granter != granter)
		grant_let_go(hold);
	lock_take(&granter->grants->lock);
	if (hold->granter)
		let_go_locked(hold);
	status = granter->state < DOMAIN_DYING ? hold_locked(granter, ref, holder, write, hold)
	                                       : GNTST_bad_domain;
	lock_release(&granter->grants->lock);
	return status;
}

void grant_let_go(struct grant_hold *hold)
{
	struct lock *lock;

	if (!hold->granter)
		return;
	lock = &hold->granter->grants->lock;
	lock_take(lock);
	let_go_locked(hold);
	lock_release(lock);
}

static int16_t swap_locked(struct grant_table *table, grant_ref_t a, grant_ref_t b)
{
	struct active *of_a = grant_active(table, a), *of_b = grant_active(table, b);
	struct grant_entry_v1 entry;

	if (!of_a || !of_b)
		return GNTST_bad_gntref;
	if (is_held(of_a) || is_held(of_b))
		return GNTST_eagain;
	entry = *shared_entry(table, a);
	*shared_entry(table, a) = *shared_entry(table, b);
	*shared_entry(table, b) = entry;
	return GNTST_okay;
}

int16_t grant_swap(struct domain *domain, grant_ref_t a, grant_ref_t b)
{
	int16_t status;

	lock_take(&domain->grants->lock);
	status = swap_locked(domain->grants, a, b);
	lock_release(&domain->grants->lock);
	return status;
}
