/* Mapping other domains' grants at a guest frame number of one's own, and unmapping them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "grant/grant.h"

#include "dirty/log.h"
#include "grant/active.h"
#include "grant/table.h"
#include "lib/errno.h"
#include "mm/frame.h"
#include "p2m/flush.h"

/*
 * A mapping is: a hold on the reference (grant/active.c), an entry in the mapper's p2m with a frame
 * reference of its own, and a handle that names both. Nobody but this file takes out the p2m entry,
 * and never before the handle is gone, so that each is undone once.
 */

/* What the mapper had at the gfn goes, if it is its own to give up. */
static int16_t make_room(struct domain *mapper, gfn_t gfn)
{
	switch (p2m_unmap_if(&mapper->p2m, gfn,
	                     BIT(P2M_RAM) | BIT(P2M_RAM_RO) | BIT(P2M_FOREIGN) |
	                             BIT(P2M_FOREIGN_RO))) {
	case P2M_RAM:
	case P2M_RAM_RO:
		__atomic_fetch_sub(&mapper->pages, 1, __ATOMIC_RELAXED);
		return GNTST_okay;
	case P2M_FOREIGN:
	case P2M_FOREIGN_RO:
		return GNTST_okay;
	default:
		return GNTST_bad_virt_addr;
	}
}

/* An entry for a frame that is held; it has a reference of its own. */
static int16_t place(struct domain *mapper, gfn_t gfn, const struct grant_hold *hold)
{
	enum p2m_type type = hold->write ? P2M_GRANT : P2M_GRANT_RO;
	int err;

	frame_get(hold->mfn);
	err = p2m_map(&mapper->p2m, gfn, hold->mfn, P2M_ORDER_4K, type);
	if (err == -EEXIST && !make_room(mapper, gfn))
		err = p2m_map(&mapper->p2m, gfn, hold->mfn, P2M_ORDER_4K, type);
	if (!err)
		return GNTST_okay;
	frame_put(hold->mfn);
	return err == -ENOMEM ? GNTST_no_space : GNTST_bad_virt_addr;
}

/* The mapper's CPUs write the granter's page unseen. */
static int16_t writer_begin(const struct grant_hold *hold)
{
	if (hold->write && dirty_writer_add(&hold->granter->p2m, hold->gfn))
		return GNTST_no_space;
	return GNTST_okay;
}

static void writer_end(const struct grant_hold *hold)
{
	if (hold->write)
		dirty_writer_drop(&hold->granter->p2m, hold->gfn);
}

static int16_t check_map(const struct gnttab_map_grant_ref *op)
{
	if (!(op->flags & (GNTMAP_host_map | GNTMAP_device_map)))
		return GNTST_bad_gntref;
	if (op->flags & ~(uint32_t)(GNTMAP_host_map | GNTMAP_readonly))
		return GNTST_general_error; /* what only a PV guest or an IOMMU gives sense to */
	return op->host_addr & ~PAGE_MASK ? GNTST_bad_virt_addr : GNTST_okay;
}

static int16_t map_one(struct domain *mapper, struct domain *granter,
                       struct gnttab_map_grant_ref *op)
{
	struct mapping mapping = {
		.granter = granter,
		.gfn = GFN(op->host_addr >> PAGE_SHIFT),
		.ref = op->ref,
		.write = !(op->flags & GNTMAP_readonly),
	};
	struct grant_hold hold = { .granter = NULL };
	grant_handle_t handle = maptrack_reserve(mapper);
	int16_t status;

	if (handle == HANDLE_NONE)
		return GNTST_no_space;
	status = grant_hold_next(&hold, granter, op->ref, mapper->id, mapping.write);
	if (status)
		goto cancel_handle;
	status = writer_begin(&hold);
	if (status)
		goto let_go;
	status = place(mapper, mapping.gfn, &hold);
	if (status)
		goto end_writer;
	mapping.granter_gfn = hold.gfn;
	domain_hold(granter);
	maptrack_fill(mapper, handle, &mapping);
	op->handle = handle;
	op->dev_bus_addr = hold.mfn.v << PAGE_SHIFT;
	return GNTST_okay;

end_writer:
	writer_end(&hold);
let_go:
	grant_let_go(&hold);
cancel_handle:
	maptrack_cancel(mapper, handle);
	return status;
}

void grant_map(struct vcpu *caller, struct gnttab_map_grant_ref *ops, unsigned count)
{
	struct domain *granter = NULL;

	for (unsigned i = 0; i < count; i++) {
		ops[i].status = check_map(&ops[i]);
		if (ops[i].status)
			continue;
		grant_domain_next(&granter, ops[i].dom, caller);
		ops[i].status = granter ? map_one(caller->domain, granter, &ops[i])
		                        : GNTST_bad_domain;
	}
	if (granter)
		domain_put(granter);
}

/* Mappings that are going: their entries are out of the p2m, but CPUs may still know them. */
struct leaving {
	unsigned count;
	struct {
		struct mapping mapping;
		mfn_t mfn; /* with the entry's reference; MFN_NONE: the p2m went before */
	} items[GRANT_OPS_AT_ONCE];
};

static void leave(struct leaving *leaving, struct domain *mapper, const struct mapping *mapping)
{
	mfn_t mfn;

	if (!p2m_take_grant(&mapper->p2m, mapping->gfn, &mfn))
		mfn = MFN_NONE;
	leaving->items[leaving->count].mapping = *mapping;
	leaving->items[leaving->count++].mfn = mfn;
}

/* The granters learn that their frames are not in use any more when that is true on all CPUs. */
static void leave_finish(struct leaving *leaving, struct domain *mapper)
{
	if (leaving->count)
		p2m_flush(__atomic_load_n(&mapper->p2m.cpus, __ATOMIC_SEQ_CST));
	for (unsigned i = 0; i < leaving->count; i++) {
		const struct mapping *mapping = &leaving->items[i].mapping;
		struct grant_hold hold = {
			.granter = mapping->granter,
			.ref = mapping->ref,
			.write = mapping->write,
			.gfn = mapping->granter_gfn,
		};

		if (!mfn_is_none(leaving->items[i].mfn))
			frame_put(leaving->items[i].mfn);
		writer_end(&hold);
		grant_let_go(&hold);
		domain_put(mapping->granter);
	}
}

void grant_unmap(struct vcpu *caller, struct gnttab_unmap_grant_ref *ops, unsigned count)
{
	struct leaving leaving;

	leaving.count = 0;
	for (unsigned i = 0; i < count; i++) {
		struct mapping mapping;

		ops[i].status = maptrack_take(caller->domain, ops[i].handle,
		                              GFN(ops[i].host_addr >> PAGE_SHIFT), &mapping);
		if (!ops[i].status)
			leave(&leaving, caller->domain, &mapping);
	}
	leave_finish(&leaving, caller->domain);
}

bool grant_release_mappings(struct domain *domain, unsigned budget)
{
	bool more = true;

	while (more && budget) {
		struct leaving leaving;
		struct mapping mapping;

		leaving.count = 0;
		while (budget && leaving.count < GRANT_OPS_AT_ONCE &&
		       (more = maptrack_take_any(domain, &mapping))) {
			leave(&leaving, domain, &mapping);
			budget--;
		}
		leave_finish(&leaving, domain);
	}
	return !more;
}
