/* The classic log of dirty pages, and what is where in a domain: for save and live migration. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "hypercall/domctl.h"

#include "checkpoint/checkpoint.h"
#include "domain/foreign.h"
#include "mm/heap.h"

#define GFNS_MAX  1024 /* in one question */
#define MAP_CHUNK (PAGE_SIZE * 8)

static long enable(struct hypercall *call, struct domain *domain)
{
	const struct dirty_config config = { .twins = 0 };
	long err = dirty_attach(&domain->p2m, &config);

	if (!err)
		domain_foreign_close(call->caller->domain);
	return err;
}

/* A bit for each gfn below request->pages, a page of the map at a time. */
static long give_bits(struct hypercall *call, struct domain *domain, bool ended,
                      const struct xen_domctl_shadow_op *request, uint8_t *bits)
{
	uint64_t to = (uint64_t)(uintptr_t)request->dirty_bitmap.p;

	for (uint64_t first = 0; first < request->pages; first += MAP_CHUNK) {
		uint64_t count = MIN(request->pages - first, MAP_CHUNK);
		long err;

		dirty_bits(&domain->p2m, ended, first, count, bits);
		err = copy_to_guest(call->caller, to + first / 8, bits, (count + 7) / 8);
		if (err)
			return err;
	}
	return 0;
}

static long peek(struct hypercall *call, struct domain *domain,
                 struct xen_domctl_shadow_op *request, uint8_t *bits)
{
	dirty_stats(&domain->p2m, &request->stats.fault_count, &request->stats.dirty_count);
	return request->dirty_bitmap.p ? give_bits(call, domain, false, request, bits) : 0;
}

/* Without a buffer the pages are forgotten. With one that cannot be written they are lost, and the log
 * says so from then on. */
static long clean(struct hypercall *call, struct domain *domain,
                  struct xen_domctl_shadow_op *request, uint8_t *bits)
{
	uint32_t before;
	long err = dirty_cut(&domain->p2m, &request->stats.dirty_count);

	if (err)
		return err;
	dirty_cut_writers(&domain->p2m);
	if (request->dirty_bitmap.p)
		err = give_bits(call, domain, true, request, bits);
	dirty_stats(&domain->p2m, &request->stats.fault_count, &before);
	dirty_forget(&domain->p2m, err);
	return err;
}

/* Questions want a log that is nobody else's. */
static long ask(struct hypercall *call, struct domain *domain, struct xen_domctl_shadow_op *request)
{
	uint8_t *bits;
	long err;

	if (!domain->p2m.log || domain->checkpoint ||
	    request->mode & ~XEN_DOMCTL_SHADOW_LOGDIRTY_FINAL)
		return -EINVAL;
	bits = heap_alloc(PAGE_SIZE);
	if (!bits)
		return -ENOMEM;
	request->pages = MIN(request->pages, domain->p2m.highest.v + 1);
	err = request->op == XEN_DOMCTL_SHADOW_OP_PEEK ? peek(call, domain, request, bits)
	                                               : clean(call, domain, request, bits);
	heap_free(bits);
	return err;
}

static long serve(struct hypercall *call, struct domain *domain,
                  struct xen_domctl_shadow_op *request)
{
	switch (request->op) {
	case XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY:
		return enable(call, domain);
	case XEN_DOMCTL_SHADOW_OP_CLEAN:
	case XEN_DOMCTL_SHADOW_OP_PEEK:
		return ask(call, domain, request);
	case XEN_DOMCTL_SHADOW_OP_OFF:
		if (domain->checkpoint)
			return -EBUSY;
		dirty_detach(&domain->p2m);
		return 0;
	default:
		return -EINVAL;
	}
}

/* One at a time on a domain, checkpoint operations included. */
long domctl_shadow_op(struct hypercall *call, struct xen_domctl *op, struct domain *domain)
{
	long err;

	if (domain->privileged)
		return -EINVAL;
	err = checkpoint_begin(domain);
	if (err)
		return err;
	err = serve(call, domain, &op->u.shadow_op);
	checkpoint_end(domain);
	return err;
}

static uint64_t kind_of(struct domain *domain, uint64_t gfn)
{
	enum p2m_type type;

	p2m_peek(&domain->p2m, GFN(gfn), &type, NULL);
	return type == P2M_RAM || type == P2M_RAM_RO ? XEN_DOMCTL_PFINFO_NOTAB
	                                             : XEN_DOMCTL_PFINFO_XTAB;
}

/* Gfns in, what they are out: memory to be copied, or nothing of that sort. */
long domctl_getpageframeinfo3(struct hypercall *call, struct xen_domctl *op, struct domain *domain)
{
	uint64_t array = (uint64_t)(uintptr_t)op->u.getpageframeinfo3.array.p;
	uint64_t count = op->u.getpageframeinfo3.num;
	xen_pfn_t *gfns;
	long err;

	if (count > GFNS_MAX)
		return -E2BIG;
	gfns = heap_alloc(GFNS_MAX * sizeof(*gfns));
	if (!gfns)
		return -ENOMEM;
	err = copy_from_guest(call->caller, gfns, array, count * sizeof(*gfns));
	for (uint64_t i = 0; !err && i < count; i++)
		gfns[i] = kind_of(domain, gfns[i]);
	if (!err)
		err = copy_to_guest(call->caller, array, gfns, count * sizeof(*gfns));
	heap_free(gfns);
	return err;
}
