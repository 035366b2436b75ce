/* Serving exits: the one switch, and what its larger branches are. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_RUN_EXIT_H
#define XEN_CORE_RUN_EXIT_H

#include "irq/vlapic.h"
#include "vcpu/exit.h"
#include "vcpu/vcpu.h"

/* exit.c: the switch. */
void exit_serve(struct vcpu *vcpu, struct vm_exit *exit);

/* Steps over the instruction that gave the exit. */
void exit_skip(struct vcpu *vcpu, unsigned length);
void exit_inject_fault(struct vcpu *vcpu, uint8_t vector); /* #GP with error 0, #UD without */

/* inject.c: before each entry. */
void inject_pending(struct vcpu *vcpu);
bool inject_has_work(const struct vcpu *vcpu); /* what ends HLT */

/* lapic.c: local APIC registers and interprocessor interrupts. */
int lapic_msr(struct vcpu *vcpu, const struct msr_access *msr, uint64_t *value);
void lapic_mmio(struct vcpu *vcpu, unsigned offset, bool write, uint64_t *value);

/* port_io.c */
/* True if the instruction is done; a long string goes on at the next exit. */
bool port_serve(struct vcpu *vcpu, const struct port_access *access);

/* nested_fault.c */
void nested_fault_serve(struct vcpu *vcpu, const struct vm_exit *exit);

#endif
