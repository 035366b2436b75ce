/* Copying within and between domains, by grant or, for memory of one's own, by guest frame number. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "grant/grant.h"

#include "dirty/access.h"
#include "grant/active.h"
#include "grant/table.h"
#include "mm/frame.h"
#include "mm/host_map.h"

/*
 * One end of the copies of a batch. What the last copy used stays held: the next one often goes on in
 * the same page, and if not, at least in the same domain.
 */
struct copy_end {
	bool write;
	bool held;     /* page is that of the copy before, described by the next three */
	bool by_grant; /* else by own gfn */
	domid_t id;
	uint64_t number;        /* reference or gfn */
	struct domain *granter; /* found last, with a reference; or NULL */
	struct grant_hold hold;
	struct access_page page;
};

/* An own frame's reference goes here; a grant is let go when the next is held. */
static void forget_page(struct copy_end *end)
{
	if (end->held && !end->by_grant)
		frame_put(end->page.mfn);
	end->held = false;
}

static void finish(struct copy_end *end)
{
	forget_page(end);
	grant_let_go(&end->hold);
	if (end->granter)
		domain_put(end->granter);
}

static int16_t find_own(struct copy_end *end, struct domain *own, gfn_t gfn)
{
	enum p2m_type type;
	mfn_t mfn = p2m_get(&own->p2m, gfn, &type);

	if (mfn_is_none(mfn))
		return GNTST_bad_page;
	if (type != P2M_RAM && (type != P2M_RAM_RO || end->write)) {
		frame_put(mfn);
		return GNTST_bad_page;
	}
	end->page = (struct access_page){ &own->p2m, gfn, mfn };
	return GNTST_okay;
}

static int16_t find_granted(struct copy_end *end, struct vcpu *caller,
                            const struct gnttab_copy_ptr *ptr)
{
	int16_t status;

	if (end->granter && end->granter->id != domain_id(ptr->domid, caller))
		grant_let_go(&end->hold); /* before its granter's reference goes */
	grant_domain_next(&end->granter, ptr->domid, caller);
	if (!end->granter)
		return GNTST_bad_domain;
	status = grant_hold_next(&end->hold, end->granter, ptr->u.ref, caller->domain->id,
	                         end->write);
	if (!status)
		end->page = (struct access_page){ &end->granter->p2m, end->hold.gfn,
			                          end->hold.mfn };
	return status;
}

static int16_t find(struct copy_end *end, struct vcpu *caller, const struct gnttab_copy_ptr *ptr,
                    bool by_grant)
{
	uint64_t number = by_grant ? ptr->u.ref : ptr->u.gmfn;
	int16_t status;

	if (!by_grant && ptr->domid != DOMID_SELF)
		return GNTST_permission_denied;
	if (end->held && end->by_grant == by_grant && end->id == ptr->domid &&
	    end->number == number)
		return GNTST_okay;
	forget_page(end);
	status = by_grant ? find_granted(end, caller, ptr)
	                  : find_own(end, caller->domain, GFN(number));
	end->held = !status;
	end->by_grant = by_grant;
	end->id = ptr->domid;
	end->number = number;
	return status;
}

static int16_t check(const struct gnttab_copy *op)
{
	if (op->flags & ~(GNTCOPY_source_gref | GNTCOPY_dest_gref))
		return GNTST_general_error;
	if (op->source.offset + op->len > (int)PAGE_SIZE ||
	    op->dest.offset + op->len > (int)PAGE_SIZE)
		return GNTST_bad_copy_arg;
	return GNTST_okay;
}

static int16_t copy_one(struct copy_end *source, struct copy_end *dest, struct vcpu *caller,
                        const struct gnttab_copy *op)
{
	int16_t status = check(op);

	if (!status)
		status = find(source, caller, &op->source, op->flags & GNTCOPY_source_gref);
	if (!status)
		status = find(dest, caller, &op->dest, op->flags & GNTCOPY_dest_gref);
	if (!status)
		access_write_page(&dest->page, op->dest.offset,
		                  (char *)mfn_to_virt(source->page.mfn) + op->source.offset,
		                  op->len);
	return status;
}

void grant_copy(struct vcpu *caller, struct gnttab_copy *ops, unsigned count)
{
	struct copy_end source = { .write = false }, dest = { .write = true };

	for (unsigned i = 0; i < count; i++)
		ops[i].status = copy_one(&source, &dest, caller, &ops[i]);
	finish(&source);
	finish(&dest);
}
