/* Showing pages to a domain: shared info, its grant table, for dom0 another domain's memory. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "hypercall/argument.h"
#include "hypercall/memory.h"
#include "hypercall/width.h"

#include "grant/grant.h"
#include "mm/frame.h"
#include "mm/host_map.h"

#define RESOURCE_FRAMES_MAX 64 /* in one call */
#define PAGES_AT_ONCE       64 /* of a batch, before the caller's interrupts get their chance */

static void forget_shared_info(struct domain *domain, gfn_t gfn)
{
	lock_take(&domain->lock);
	if (domain->shared_info_gfn.v == gfn.v)
		domain->shared_info_gfn = GFN_NONE;
	lock_release(&domain->lock);
}

int physmap_clear(struct domain *domain, gfn_t gfn)
{
	enum p2m_type type;

	p2m_peek(&domain->p2m, gfn, &type, NULL);
	if (type == P2M_DEVICE || type == P2M_GRANT || type == P2M_GRANT_RO)
		return -EINVAL;
	type = p2m_unmap_if(&domain->p2m, gfn,
	                    ~(BIT(P2M_DEVICE) | BIT(P2M_GRANT) | BIT(P2M_GRANT_RO)));
	if (type == P2M_NONE)
		return -ENOENT;
	if (type == P2M_RAM || type == P2M_RAM_RO)
		__atomic_fetch_sub(&domain->pages, 1, __ATOMIC_RELAXED);
	else if (type == P2M_SHARED)
		forget_shared_info(domain, gfn);
	return 0;
}

/* Takes over the caller's reference on the frame, also on failure. What was at the gfn goes. */
static int place(struct domain *domain, gfn_t gfn, mfn_t mfn, enum p2m_type type)
{
	int err = p2m_map(&domain->p2m, gfn, mfn, P2M_ORDER_4K, type);

	if (err == -EEXIST) {
		err = physmap_clear(domain, gfn);
		if (!err)
			err = p2m_map(&domain->p2m, gfn, mfn, P2M_ORDER_4K, type);
	}
	if (err)
		frame_put(mfn);
	return err;
}

/* A page of ours is shown at one gfn only: it leaves the old one, if it is still there. */
static void leave(struct domain *domain, gfn_t gfn, gfn_t now, mfn_t mfn)
{
	enum p2m_type type;

	if (gfn.v == now.v || gfn.v == GFN_NONE.v)
		return;
	if (p2m_peek(&domain->p2m, gfn, &type, NULL).v == mfn.v && type == P2M_SHARED)
		p2m_unmap_if(&domain->p2m, gfn, BIT(P2M_SHARED));
}

static int show_shared_info(struct domain *domain, gfn_t gfn)
{
	mfn_t mfn = virt_to_mfn(domain->shared_info);
	gfn_t before;
	int err;

	frame_get(mfn);
	err = place(domain, gfn, mfn, P2M_SHARED);
	if (err)
		return err;
	lock_take(&domain->lock);
	before = domain->shared_info_gfn;
	domain->shared_info_gfn = gfn;
	lock_release(&domain->lock);
	leave(domain, before, gfn, mfn);
	return 0;
}

static int show_grant_table(struct domain *domain, uint64_t index, gfn_t gfn)
{
	mfn_t mfn;
	int err;

	if (index >= grant_table_max_frames(domain))
		return -EINVAL;
	err = grant_table_frame(domain, (unsigned)index, &mfn);
	if (!err)
		err = place(domain, gfn, mfn, P2M_SHARED);
	if (err)
		return err;
	leave(domain, grant_table_place(domain, (unsigned)index, gfn), gfn, mfn);
	return 0;
}

/* Another domain's page: the map's reference keeps it, whatever its owner does. */
static int show_foreign(struct domain *domain, struct domain *foreign, gfn_t from, gfn_t gfn)
{
	enum p2m_type type;
	mfn_t mfn = p2m_get(&foreign->p2m, from, &type);

	if (mfn_is_none(mfn))
		return -EINVAL;
	switch (type) {
	case P2M_RAM:
	case P2M_SHARED:
		return place(domain, gfn, mfn, P2M_FOREIGN);
	case P2M_RAM_RO:
		return place(domain, gfn, mfn, P2M_FOREIGN_RO);
	default:
		frame_put(mfn);
		return -EINVAL;
	}
}

static int show(struct domain *domain, unsigned space, struct domain *foreign, uint64_t index,
                gfn_t gfn)
{
	switch (space) {
	case XENMAPSPACE_shared_info:
		return index ? -EINVAL : show_shared_info(domain, gfn);
	case XENMAPSPACE_grant_table:
		return show_grant_table(domain, index, gfn);
	case XENMAPSPACE_gmfn_foreign:
		return foreign ? show_foreign(domain, foreign, GFN(index), gfn) : -EINVAL;
	default:
		return -ENOSYS;
	}
}

long memory_add_to_physmap(struct hypercall *call)
{
	struct xen_add_to_physmap request;
	struct domain *domain;
	long err = argument_take(call, &shape_add_to_physmap, &request, call->args[1], 1);

	if (!err)
		err = memory_op_target(call, request.domid, &domain);
	if (err)
		return err;
	err = show(domain, request.space, NULL, request.idx, GFN(request.gpfn));
	if (!err && request.space == XENMAPSPACE_shared_info && domain == call->caller->domain)
		width_latch(call->caller);
	domain_put(domain);
	return err;
}

/* One page of a batch; its own failure goes into its own slot. */
static long batch_page(struct hypercall *call, const struct xen_add_to_physmap_batch *batch,
                       struct domain *domain, struct domain *foreign, uint64_t i)
{
	uint64_t offset = i * argument_size(call, &shape_word);
	xen_ulong_t index;
	xen_pfn_t gpfn;
	int status;
	long err = argument_take(call, &shape_word, &index, (uintptr_t)batch->idxs.p + offset, 1);

	if (!err)
		err = argument_take(call, &shape_word, &gpfn, (uintptr_t)batch->gpfns.p + offset,
		                    1);
	if (err)
		return err;
	status = show(domain, batch->space, foreign, index, GFN(gpfn));
	return copy_to_guest(call->caller, (uint64_t)(uintptr_t)(batch->errs.p + i), &status,
	                     sizeof(status));
}

static long batch_run(struct hypercall *call, const struct xen_add_to_physmap_batch *batch,
                      struct domain *domain, struct domain *foreign)
{
	uint64_t start = memory_op_start(call);
	uint64_t end = MIN((uint64_t)batch->size, start + PAGES_AT_ONCE);
	long err = 0;

	for (uint64_t i = start; i < end && !err; i++)
		err = batch_page(call, batch, domain, foreign, i);
	if (!err && end < batch->size)
		return memory_op_again(call, end);
	return err;
}

/* Foreign pages are for dom0 alone; nobody needs its own this way. */
static long foreign_get(struct hypercall *call, domid_t id, const struct domain *domain,
                        struct domain **foreign)
{
	if (!call->caller->domain->privileged)
		return -EPERM;
	*foreign = domain_get(id, call->caller);
	if (!*foreign)
		return -ESRCH;
	if (*foreign != domain)
		return 0;
	domain_put(*foreign);
	*foreign = NULL;
	return -EINVAL;
}

long memory_add_to_physmap_batch(struct hypercall *call)
{
	struct xen_add_to_physmap_batch batch;
	struct domain *domain, *foreign = NULL;
	long err = argument_take(call, &shape_add_to_physmap_batch, &batch, call->args[1], 1);

	if (!err && memory_op_start(call) > batch.size)
		err = -EINVAL;
	if (!err)
		err = memory_op_target(call, batch.domid, &domain);
	if (err)
		return err;
	if (batch.space == XENMAPSPACE_gmfn_foreign)
		err = foreign_get(call, batch.u.foreign_domid, domain, &foreign);
	if (!err)
		err = batch_run(call, &batch, domain, foreign);
	if (foreign)
		domain_put(foreign);
	domain_put(domain);
	return err;
}

long memory_remove_from_physmap(struct hypercall *call)
{
	struct xen_remove_from_physmap request;
	struct domain *domain;
	long err = argument_take(call, &shape_remove_from_physmap, &request, call->args[1], 1);

	if (!err)
		err = memory_op_target(call, request.domid, &domain);
	if (err)
		return err;
	err = physmap_clear(domain, GFN(request.gpfn));
	domain_put(domain);
	return err;
}

static long map_grant_frames(struct hypercall *call, const struct xen_mem_acquire_resource *request,
                             struct domain *domain)
{
	uint64_t list = (uint64_t)(uintptr_t)request->frame_list.p;

	for (uint64_t i = 0; i < request->nr_frames; i++) {
		uint64_t index = request->frame + i;
		xen_pfn_t gfn;
		mfn_t mfn;
		long err = copy_from_guest(call->caller, &gfn, list + i * sizeof(gfn), sizeof(gfn));

		if (!err && index >= grant_table_max_frames(domain))
			err = -EINVAL;
		if (!err)
			err = grant_table_frame(domain, (unsigned)index, &mfn);
		if (!err)
			err = place(call->caller->domain, GFN(gfn), mfn, P2M_FOREIGN);
		if (err)
			return err;
	}
	return 0;
}

/* Without a list: how many frames there are to be had. */
static long acquire_grant_table(struct hypercall *call, struct xen_mem_acquire_resource *request,
                                struct domain *domain)
{
	if (request->id != XENMEM_resource_grant_table_id_shared)
		return -EINVAL;
	if (request->frame_list.p)
		return map_grant_frames(call, request, domain);
	if (request->nr_frames)
		return -EINVAL;
	request->nr_frames = grant_table_max_frames(domain);
	return copy_to_guest(call->caller, call->args[1], request, sizeof(*request));
}

/* A page that the hypervisor keeps for a domain, shown to its builder. */
long memory_acquire_resource(struct hypercall *call)
{
	struct xen_mem_acquire_resource request;
	struct domain *domain;
	long err = copy_from_guest(call->caller, &request, call->args[1], sizeof(request));

	if (err)
		return err;
	if (!call->caller->domain->privileged)
		return -EPERM;
	if (request.pad || request.nr_frames > RESOURCE_FRAMES_MAX)
		return -EINVAL;
	if (request.type != XENMEM_resource_grant_table)
		return -EOPNOTSUPP;
	err = memory_op_target(call, request.domid, &domain);
	if (err)
		return err;
	err = acquire_grant_table(call, &request, domain);
	domain_put(domain);
	return err;
}
