/* The FPU and vector registers of a vCPU, in the CPU or in memory. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_VCPU_XSTATE_H
#define XEN_CORE_VCPU_XSTATE_H

#include "vcpu/vcpu.h"

void xstate_cpu_init(void); /* each CPU */

int xstate_create(struct vcpu *vcpu); /* the state after RESET */
void xstate_destroy(struct vcpu *vcpu);

void xstate_load(struct vcpu *vcpu);
void xstate_save(struct vcpu *vcpu);

/* The x87 and SSE part, 512 bytes as FXSAVE lays them out; the vCPU is not loaded. */
void xstate_get_legacy(const struct vcpu *vcpu, void *area);
void xstate_set_legacy(struct vcpu *vcpu, const void *area);
void xstate_reset(struct vcpu *vcpu);

/* All of it, as XSAVE lays it out (FXSAVE, without XSAVE); what is set has been checked. */
size_t xstate_size(void);
void xstate_get(const struct vcpu *vcpu, void *area);
void xstate_set(struct vcpu *vcpu, uint64_t xcr0, const void *area);

/* XSETBV by the guest. -EINVAL: the guest gets #GP. The vCPU is loaded on this CPU. */
int xstate_set_xcr0(struct vcpu *vcpu, uint64_t value);

uint64_t xstate_supported(void); /* XCR0 bits that a guest may set; 0: no XSAVE */

#endif
