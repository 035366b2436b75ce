/* Event channels: ports of a domain, and everything that can raise one. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_EVENT_EVENT_H
#define XEN_CORE_EVENT_EVENT_H

#include "domain/domain.h"
#include "domain/unit.h"

extern const struct unit event_unit;

/* Raises a per-vCPU VIRQ on its vCPU, or a global one on the domain that bound it (dom0). No lock of
 * LOCK_VCPU or above is held. Nothing if unbound. */
void event_raise_virq(struct vcpu *vcpu, unsigned virq);
void event_raise_global_virq(unsigned virq);

/* Is an upcall waiting that the guest has not seen? What HLT and entry ask. */
bool event_upcall_pending(const struct vcpu *vcpu);

/* Takes up a newly registered vcpu_info: contents copied, pending bits kept, an upcall forced. The
 * caller has pinned the page; the old info stays valid for whoever still writes to it. */
void event_vcpu_info_move(struct vcpu *vcpu, struct vcpu_info *info);

/* Forces an upcall that makes the guest look at all its ports: after vcpu->info has been changed. */
void event_vcpu_info_moved(struct vcpu *vcpu);

/* The layout of all that the domain shares with the hypervisor, but not its contents: those are its kernel's
 * to begin anew. -EBUSY: it has ports that the new layout has no room for. */
int event_layout_change(struct domain *domain, const struct shared_layout *layout);

/* Closes every port for good: the domain is dying. Peers see their ends unbound. */
void event_close_all(struct domain *domain);

#endif
