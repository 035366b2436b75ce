/* The other side: pages into a domain that waits, and its start. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/checkpoint.h"

#include "checkpoint/place.h"
#include "dirty/access.h"
#include "lib/errno.h"

int checkpoint_apply(struct domain *domain, const struct checkpoint_page *page,
                     const void *contents)
{
	gfn_t gfn = GFN(page->gfn);
	enum p2m_type type;
	int err = 0;

	if (page->flags & ~CHECKPOINT_PAGE_ABSENT || page->reserved)
		return -EINVAL;
	if (page->flags & CHECKPOINT_PAGE_ABSENT)
		return place_clear(domain, gfn);
	p2m_peek(&domain->p2m, gfn, &type, NULL);
	if (type != P2M_RAM && type != P2M_RAM_RO) {
		err = place_clear(domain, gfn);
		if (!err)
			err = place_populate(domain, gfn);
	}
	return err ? err : access_write(&domain->p2m, gfn.v << PAGE_SHIFT, contents, PAGE_SIZE);
}

int checkpoint_activate(struct domain *domain, nanos_t deadline)
{
	if (deadline.v && clock_now().v > deadline.v)
		return -ETIME;
	return domain_controller_unpause(domain);
}
