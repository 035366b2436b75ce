/* What every subsystem does when a domain or a vCPU comes and goes: one table, walked in order. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_DOMAIN_UNIT_H
#define XEN_CORE_DOMAIN_UNIT_H

#include "domain/domain.h"

struct unit {
	const char *name;
	int (*domain_create)(struct domain *domain, const struct domain_config *config);
	void (*domain_destroy)(
		struct domain *domain); /* gives everything back; also after a failed create */
	/* The domain is dying and its vCPUs are off: lets go of other domains and they of it, a part at a
	 * time; true when all is done. */
	bool (*domain_relinquish)(struct domain *domain);
	int (*vcpu_create)(struct vcpu *vcpu);
	void (*vcpu_destroy)(struct vcpu *vcpu);
};

/* Defined in run/units.c, above all subsystems; in order of creation, walked back to destroy.
 * Any member may be NULL. */
extern const struct unit *const domain_units[];
extern const unsigned domain_unit_count;

#endif
