/* What a vCPU is told by CPUID and may do by MSR. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_VCPU_POLICY_H
#define XEN_CORE_VCPU_POLICY_H

#include "hw/cpu.h"
#include "vcpu/vcpu.h"

/* The answer to CPUID for the vCPU that runs on this CPU; cpu_total: vCPUs of its domain. */
struct cpuid policy_cpuid(struct vcpu *vcpu, uint32_t leaf, uint32_t subleaf, unsigned cpu_total,
			  domid_t domid);

/*
 * MSRs outside the local APIC. -EINVAL: the guest gets #GP.
 */
int policy_read_msr(struct vcpu *vcpu, uint32_t index, uint64_t *value);
int policy_write_msr(struct vcpu *vcpu, uint32_t index, uint64_t value);

#endif
