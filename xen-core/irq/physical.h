/* Interrupts of dom0's devices: taken by the hypervisor, handed to the vCPU of the same APIC id. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_IRQ_PHYSICAL_H
#define XEN_CORE_IRQ_PHYSICAL_H

#include "vcpu/vcpu.h"

void physical_init(void);

/* From now on device interrupts that reach this CPU belong to the vCPU, pinned there. */
void physical_attach(struct cpu *cpu, struct vcpu *vcpu);

/* The guest has ended the vector: ends it at the real local APIC if it was level triggered. */
void physical_end(struct vcpu *vcpu, uint8_t vector);
void physical_end_all(struct vcpu *vcpu);

#endif
