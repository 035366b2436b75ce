/* A domain's registers as the records of the public ABI: what xl's builder, save and restore use. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_CHECKPOINT_HVM_CONTEXT_H
#define XEN_CORE_CHECKPOINT_HVM_CONTEXT_H

#include "domain/domain.h"

/*
 * The domain is paused and none of its vCPUs is loaded on a CPU. A context is a chain of records,
 * each behind a struct hvm_save_descriptor, from HEADER to END.
 */
size_t hvm_context_size(const struct domain *domain);         /* at most */
size_t hvm_context_save(struct domain *domain, void *buffer); /* how much it came to */

/*
 * Any subset of the records, once each. All are checked before the first is taken up: -EINVAL leaves
 * the domain as it was. Every vCPU goes down; a CPU record brings its own up again.
 */
int hvm_context_load(struct domain *domain, const void *buffer, size_t size);

/* One kind of record, for each vCPU. load may assume that check has passed. */
struct context_section {
	uint16_t typecode;
	uint32_t length;
	uint32_t (*more)(void);                   /* length that the machine adds; NULL: none */
	bool (*applies)(const struct vcpu *vcpu); /* whether it is saved; NULL: always */
	void (*save)(struct vcpu *vcpu, void *record);
	int (*check)(const struct vcpu *vcpu, const void *record);
	void (*load)(struct vcpu *vcpu, const void *record);
};

extern const struct context_section context_cpu, context_lapic, context_lapic_regs, context_mtrr,
	context_xsave;

#endif
