/* What CPUID tells a vCPU: this CPU's answers less what we do not virtualise, plus the Xen leaves. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "vcpu/policy.h"

#include "vcpu/xstate.h"

#define XEN_LEAF_FIRST 0x40000000u
#define XEN_LEAF_LAST 0x40000004u
#define XEN_VERSION_WORD 0x00040011u

/* A CPUID leaf as the guest sees it: AND with keep, OR with add. */
struct leaf_filter {
	uint32_t leaf;
	struct cpuid keep, add;
};

#define ALL 0xffffffffu

/*
 * Hidden: what needs switching that we do not do (performance counters, MONITOR, TSC deadline,
 * debug store, machine check, PCID's companions, PKU, SVM itself, topology extensions).
 */
static const struct leaf_filter filters[] = {
	/* ECX: MONITOR 3, VMX 5, SMX 6, EIST 7, TM2 8, PDCM 15, PCID 17, DCA 18, x2APIC 21,
	 * deadline 24, OSXSAVE 27, hypervisor 31.
	 * EDX: MCE 7, MCA 14, DS 21, ACPI 22, TM 29, PBE 31. */
	{1, {ALL, 0x0000ffff, ~0x090281e8u, ~0xa0604080u}, {0, 0, 1u << 31 | 1u << 21, 1u << 9}},
	{5, {0, 0, 0, 0}, {0, 0, 0, 0}},
	{6, {1u << 2, 0, 0, 0}, {0, 0, 0, 0}}, /* ARAT only */
	{0xa, {0, 0, 0, 0}, {0, 0, 0, 0}},
	{0xb, {0, 0, 0, 0}, {0, 0, 0, 0}},
	/* ECX: SVM 2, extended APIC 3, OSVW 9, IBS 10, SKINIT 12, WDT 13, LWP 15, topology 22,
	 * counters 23, 24, 28, data breakpoint 26, perf TSC 27, MWAITX 29.
	 * EDX: MCE 7, MCA 14. */
	{0x80000001, {ALL, ALL, ~0x3dc0b60cu, ~0x00004080u}, {0, 0, 0, 1u << 9}},
	{0x8000000a, {0, 0, 0, 0}, {0, 0, 0, 0}},
	{0x8000001b, {0, 0, 0, 0}, {0, 0, 0, 0}},
	{0x8000001c, {0, 0, 0, 0}, {0, 0, 0, 0}},
	{0x8000001e, {0, 0, 0, 0}, {0, 0, 0, 0}},
	{0x8000001f, {0, 0, 0, 0}, {0, 0, 0, 0}},
	{0x80000022, {0, 0, 0, 0}, {0, 0, 0, 0}},
};

/* EBX: TSC_ADJUST 1, SGX 2, INVPCID 10, PQM 12, PQE 15, processor trace 25.
 * ECX: PKU 3, 4, WAITPKG 5, CET 7, LA57 16, RDPID 22.
 * EDX: only SERIALIZE 14, AVX512 parts. */
static const struct cpuid leaf7_keep = {0, ~0x02009406u, ~0x004100b8u, 0x0000411cu};

static struct cpuid apply(struct cpuid value, const struct cpuid *keep, const struct cpuid *add)
{
	return (struct cpuid){
		(value.eax & keep->eax) | add->eax,
		(value.ebx & keep->ebx) | add->ebx,
		(value.ecx & keep->ecx) | add->ecx,
		(value.edx & keep->edx) | add->edx,
	};
}

static struct cpuid filtered(uint32_t leaf, uint32_t subleaf)
{
	struct cpuid value = cpuid(leaf, subleaf);

	for (unsigned i = 0; i < ARRAY_SIZE(filters); i++)
		if (filters[i].leaf == leaf)
			return apply(value, &filters[i].keep, &filters[i].add);
	return value;
}

static struct cpuid xen_leaf(const struct vcpu *vcpu, uint32_t leaf, domid_t domid)
{
	switch (leaf) {
	case XEN_LEAF_FIRST:
		return (struct cpuid){XEN_LEAF_LAST, XEN_CPUID_SIGNATURE_EBX,
				      XEN_CPUID_SIGNATURE_ECX, XEN_CPUID_SIGNATURE_EDX};
	case XEN_LEAF_FIRST + 1:
		return (struct cpuid){.eax = XEN_VERSION_WORD};
	case XEN_LEAF_FIRST + 4:
		/* Without the upcall-vector bit the kernel uses the callback that needs no EOI. */
		return (struct cpuid){.eax = XEN_HVM_CPUID_VCPU_ID_PRESENT |
					     XEN_HVM_CPUID_DOMID_PRESENT,
				      .ebx = vcpu->id,
				      .ecx = domid};
	default:
		return (struct cpuid){0};
	}
}

/* Leaf 0xb: one thread a core, all cores in one package; the APIC id in EDX. */
static struct cpuid topology_leaf(const struct vcpu *vcpu, uint32_t subleaf, unsigned cpu_total)
{
	struct cpuid r = {.ecx = subleaf, .edx = vcpu->apic_id};

	if (subleaf == 0)
		r = (struct cpuid){0, 1, 1u << 8, vcpu->apic_id};
	else if (subleaf == 1)
		r = (struct cpuid){8, cpu_total, 2u << 8 | 1, vcpu->apic_id};
	return r;
}

struct cpuid policy_cpuid(struct vcpu *vcpu, uint32_t leaf, uint32_t subleaf, unsigned cpu_total,
			  domid_t domid)
{
	static const struct cpuid nothing;
	uint32_t highest = cpuid(leaf & 0x80000000u, 0).eax;
	struct cpuid r;

	if (leaf >= 0x40000000u && leaf <= 0x4000ffffu)
		return xen_leaf(vcpu, leaf, domid);
	if (leaf > highest)
		return nothing;
	r = filtered(leaf, subleaf);
	if (leaf == 1) {
		r.ebx |= vcpu->apic_id << 24 | MIN(cpu_total, 255u) << 16;
		r.ecx |= vcpu->control.cr4 & CR4_OSXSAVE ? 1u << 27 : 0;
	} else if (leaf == 7) {
		r = subleaf ? nothing : apply(r, &leaf7_keep, &nothing);
	} else if (leaf == 0xb && highest >= 0xb) {
		r = topology_leaf(vcpu, subleaf, cpu_total);
	} else if (leaf == 0x80000008) {
		r.ecx = (r.ecx & ~0xffffu) | (cpu_total - 1);
	}
	return r;
}
