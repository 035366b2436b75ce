/* What a vCPU is told by CPUID and may do by MSR. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_VCPU_POLICY_H
#define XEN_CORE_VCPU_POLICY_H

#include "hw/cpu.h"
#include "vcpu/vcpu.h"

#define POLICY_LEAVES_MAX 160

/* What a domain's builder has decided that CPUID says. */
struct cpu_policy {
	unsigned count;
	struct xen_cpuid_leaf leaves[POLICY_LEAVES_MAX];
};

/* All that a guest can have here; what the builder starts from. */
void policy_default(struct cpu_policy *policy);

/* The index of the first leaf that no CPU of ours has, or that comes twice; count if all are well. */
unsigned policy_check(const struct cpu_policy *policy);

/* The answer to CPUID for the vCPU that runs on this CPU; cpu_total: vCPUs of its domain. */
struct cpuid policy_cpuid(struct vcpu *vcpu, uint32_t leaf, uint32_t subleaf, unsigned cpu_total,
                          domid_t domid);

/*
 * MSRs outside the local APIC. -EINVAL: the guest gets #GP.
 */
int policy_read_msr(struct vcpu *vcpu, uint32_t index, uint64_t *value);
int policy_write_msr(struct vcpu *vcpu, uint32_t index, uint64_t value);

bool policy_pat_is_valid(uint64_t value);

/* A write to this one asks for a page of hypercall stubs: vcpu/hypercall_page.h. */
#define MSR_HYPERCALL_PAGE 0x40000000

#endif
