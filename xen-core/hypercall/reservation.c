/* A domain's own memory: more of it, less of it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "hypercall/argument.h"
#include "hypercall/memory.h"

#include "lib/string.h"
#include "mm/frame.h"
#include "mm/host_map.h"

/* Before the caller's interrupts get their chance; giving a page back waits for every CPU. */
#define FILLED_AT_ONCE 512UL
#define FREED_AT_ONCE  32UL

struct reservation {
	struct xen_memory_reservation request;
	struct domain *domain;
	uint64_t start;
};

/* On success the domain is held and the request is within bounds. */
static long decode(struct hypercall *call, struct reservation *r)
{
	long err = argument_take(call, &shape_memory_reservation, &r->request, call->args[1], 1);

	if (err)
		return err;
	r->start = memory_op_start(call);
	if (r->start > r->request.nr_extents || r->request.extent_order > FRAME_MAX_ORDER ||
	    r->request.nr_extents > hypercall_argument_max(call) >> (MEMORY_OP_BITS + 1))
		return -EINVAL;
	if (r->request.extent_order > P2M_ORDER_2M && !call->caller->domain->privileged)
		return -EPERM;
	return memory_op_target(call, r->request.domid, &r->domain);
}

/* The domain may have so many pages more: they are counted as its own from here on. */
static bool charge(struct domain *domain, uint64_t pages)
{
	uint64_t now = __atomic_add_fetch(&domain->pages, pages, __ATOMIC_RELAXED);

	if (now <= domain->max_pages)
		return true;
	__atomic_fetch_sub(&domain->pages, pages, __ATOMIC_RELAXED);
	return false;
}

/* The largest order that the map can hold in one entry at this place. */
static unsigned map_order(uint64_t gfn, unsigned order)
{
	if (order >= P2M_ORDER_1G && !(gfn & (BIT(P2M_ORDER_1G) - 1)))
		return P2M_ORDER_1G;
	if (order >= P2M_ORDER_2M && !(gfn & (BIT(P2M_ORDER_2M) - 1)))
		return P2M_ORDER_2M;
	return P2M_ORDER_4K;
}

/*
 * dom0's devices reach its memory by guest-physical address: each of its frames has its gfn's
 * number, and it gets back just those it gave away. frame_claim leaves what the last owner left.
 */
static mfn_t frames_for(struct domain *domain, gfn_t gfn, unsigned order)
{
	mfn_t mfn = MFN(gfn.v);

	if (!domain->privileged)
		return frame_alloc(order, domain->id);
	if (frame_claim(mfn, BIT(order), domain->id))
		return MFN_NONE;
	memset(mfn_to_virt(mfn), 0, PAGE_SIZE << order);
	return mfn;
}

static int fill(struct domain *domain, gfn_t gfn, unsigned order)
{
	mfn_t mfn = frames_for(domain, gfn, order);
	int err;

	if (mfn_is_none(mfn))
		return -ENOMEM;
	err = p2m_map(&domain->p2m, gfn, mfn, order, P2M_RAM);
	if (err)
		frame_free(mfn, order);
	return err;
}

/* Gives back the pages of an extent that was charged and is filled so far. Another vCPU may have given
 * back some already, and they were taken off the account then. */
static void undo(struct domain *domain, uint64_t gfn, uint64_t done, unsigned order)
{
	uint64_t charged = BIT(order) - done;

	for (uint64_t i = 0; i < done; i++)
		if (p2m_unmap_if(&domain->p2m, GFN(gfn + i), BIT(P2M_RAM)) == P2M_RAM)
			charged++;
	__atomic_fetch_sub(&domain->pages, charged, __ATOMIC_RELAXED);
}

/* All of an extent or, with the pages already filled given back, nothing. */
static int populate_extent(struct domain *domain, uint64_t gfn, unsigned order)
{
	unsigned step = map_order(gfn, order);
	uint64_t done;
	int err = 0;

	if (!charge(domain, BIT(order)))
		return -ENOMEM;
	for (done = 0; done < BIT(order); done += BIT(step)) {
		err = fill(domain, GFN(gfn + done), step);
		if (err)
			break;
	}
	if (err)
		undo(domain, gfn, done, order);
	return err;
}

static int release_extent(struct domain *domain, uint64_t gfn, unsigned order)
{
	for (uint64_t i = 0; i < BIT(order); i++) {
		enum p2m_type type;

		p2m_peek(&domain->p2m, GFN(gfn + i), &type, NULL);
		if (type != P2M_RAM || physmap_clear(domain, GFN(gfn + i)))
			return -EINVAL;
	}
	return 0;
}

/* The extents one after the other; the result is how many are done, the first failure ends it. */
static long for_each_extent(struct hypercall *call, uint64_t pages_at_once,
                            int (*act)(struct domain *domain, uint64_t gfn, unsigned order))
{
	struct reservation r;
	unsigned order;
	uint64_t i, end;
	long err = decode(call, &r);

	if (err)
		return err;
	order = r.request.extent_order;
	end = MIN(r.request.nr_extents, r.start + MAX(pages_at_once >> order, 1UL));
	for (i = r.start; i < end && !err; i++) {
		xen_pfn_t gfn;

		err = argument_take(call, &shape_word, &gfn,
		                    (uintptr_t)r.request.extent_start.p +
		                            i * argument_size(call, &shape_word),
		                    1);
		if (!err && gfn & (BIT(order) - 1))
			err = -EINVAL;
		if (!err)
			err = act(r.domain, gfn, order);
	}
	domain_put(r.domain);
	if (err)
		return (long)i - 1; /* the last one failed */
	if (i < r.request.nr_extents)
		return memory_op_again(call, i);
	return (long)i;
}

long memory_populate_physmap(struct hypercall *call)
{
	return for_each_extent(call, FILLED_AT_ONCE, populate_extent);
}

long memory_decrease_reservation(struct hypercall *call)
{
	return for_each_extent(call, FREED_AT_ONCE, release_extent);
}

/* Nothing is set aside: the answer says whether there would be room now. */
long memory_claim_pages(struct hypercall *call)
{
	struct xen_memory_reservation request;
	struct domain *domain;
	uint64_t owned;
	long err;

	if (!call->caller->domain->privileged)
		return -EPERM;
	err = copy_from_guest(call->caller, &request, call->args[1], sizeof(request));
	if (err)
		return err;
	if (request.extent_start.p || request.extent_order || request.mem_flags)
		return -EINVAL;
	domain = domain_get(request.domid, call->caller);
	if (!domain)
		return -ESRCH;
	owned = __atomic_load_n(&domain->pages, __ATOMIC_RELAXED);
	domain_put(domain);
	return request.nr_extents > owned + frames_free() ? -ENOMEM : 0;
}
