/* Writes of dom0 to other domains' memory, found in dom0's map: told to the log of whose memory it is. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/foreign.h"

#include "dirty/writers.h"
#include "domain/domain.h"
#include "lib/print.h"
#include "mm/frame.h"
#include "p2m/flush.h"
#include "p2m/protect.h"

static void written(mfn_t mfn)
{
	domid_t owner = frame_owner(mfn);
	struct domain *domain = owner < DOMID_FIRST_RESERVED ? domain_get_next(owner) : NULL;

	if (!domain)
		return;
	if (domain->id == owner && writers_add_foreign(&domain->p2m, mfn))
		log_info("domain %u: its log is lost for want of memory\n", owner);
	domain_put(domain);
}

void domain_foreign_close(struct domain *mapper)
{
	lock_take(&mapper->p2m.lock);
	p2m_close_foreign(&mapper->p2m);
	lock_release(&mapper->p2m.lock);
	p2m_flush(__atomic_load_n(&mapper->p2m.cpus, __ATOMIC_SEQ_CST));
}

void domain_foreign_init(void)
{
	dirty_set_foreign_hook(written);
}
