/* Where a domain has pages: its own memory comes and goes, the hypervisor's are shown. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/place.h"

#include "grant/grant.h"
#include "lib/errno.h"
#include "mm/frame.h"
#include "mm/host_map.h"

static bool type_is_memory(enum p2m_type type)
{
	return type == P2M_RAM || type == P2M_RAM_RO;
}

bool place_is_free(struct domain *domain, gfn_t gfn)
{
	enum p2m_type type;

	if (gfn.v == GFN_NONE.v)
		return true;
	p2m_peek(&domain->p2m, gfn, &type, NULL);
	return type == P2M_NONE || type == P2M_SHARED || type_is_memory(type);
}

int place_clear(struct domain *domain, gfn_t gfn)
{
	enum p2m_type type;

	p2m_peek(&domain->p2m, gfn, &type, NULL);
	if (type == P2M_NONE)
		return 0;
	if (!place_is_free(domain, gfn))
		return -EINVAL;
	p2m_unmap(&domain->p2m, gfn);
	if (type_is_memory(type))
		__atomic_fetch_sub(&domain->pages, 1, __ATOMIC_RELAXED);
	return 0;
}

int place_populate(struct domain *domain, gfn_t gfn)
{
	mfn_t mfn;
	int err;

	if (__atomic_add_fetch(&domain->pages, 1, __ATOMIC_RELAXED) > domain->max_pages) {
		err = -ENOMEM;
		goto uncharge;
	}
	mfn = frame_alloc(0, domain->id);
	err = mfn_is_none(mfn) ? -ENOMEM : p2m_map(&domain->p2m, gfn, mfn, P2M_ORDER_4K, P2M_RAM);
	if (!err)
		return 0;
	if (!mfn_is_none(mfn))
		frame_put(mfn);
uncharge:
	__atomic_fetch_sub(&domain->pages, 1, __ATOMIC_RELAXED);
	return err;
}

/* Takes over the caller's reference on the frame, also on failure. */
static int show(struct domain *domain, gfn_t before, gfn_t gfn, mfn_t mfn)
{
	enum p2m_type type;
	int err = 0;

	if (before.v != GFN_NONE.v && p2m_peek(&domain->p2m, before, &type, NULL).v == mfn.v &&
	    type == P2M_SHARED)
		p2m_unmap(&domain->p2m, before);
	if (gfn.v == GFN_NONE.v) {
		frame_put(mfn);
		return 0;
	}
	err = place_clear(domain, gfn);
	if (!err)
		err = p2m_map(&domain->p2m, gfn, mfn, P2M_ORDER_4K, P2M_SHARED);
	if (err)
		frame_put(mfn);
	return err;
}

int place_shared_info(struct domain *domain, gfn_t gfn)
{
	mfn_t mfn = virt_to_mfn(domain->shared_info);
	gfn_t before;

	lock_take(&domain->lock);
	before = domain->shared_info_gfn;
	domain->shared_info_gfn = gfn;
	lock_release(&domain->lock);
	frame_get(mfn);
	return show(domain, before, gfn, mfn);
}

int place_grant_frame(struct domain *domain, unsigned index, gfn_t gfn)
{
	mfn_t mfn;
	int err = grant_table_frame(domain, index, &mfn);

	return err ? err : show(domain, grant_table_place(domain, index, gfn), gfn, mfn);
}
