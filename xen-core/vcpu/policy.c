/* What CPUID tells a vCPU: this CPU's answers less what we do not virtualise, plus the Xen leaves. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "vcpu/policy.h"

#include "vcpu/xstate.h"

#define XEN_LEAF_FIRST   0x40000000u
#define XEN_LEAF_LAST    0x40000004u
#define XEN_VERSION_WORD 0x00040011u

/* A CPUID leaf as the guest sees it: AND with keep, OR with add. */
struct leaf_filter {
	uint32_t leaf;
	struct cpuid keep, add;
};

#define ALL 0xffffffffu
#define NOTHING                                                                                    \
	{                                                                                          \
		0, 0, 0, 0                                                                         \
	}

/*
 * Hidden: what needs switching that we do not do (performance counters, MONITOR, TSC deadline,
 * debug store, machine check, PCID's companions, PKU, SVM itself, topology extensions).
 */
static const struct leaf_filter filters[] = {
	/* ECX: MONITOR 3, DTES64.. 5 to 8, PDCM 15, PCID 17, DCA 18, deadline 24, OSXSAVE 27 (by CR4).
	 * EDX: MCE 7, MCA 14, DS 21, ACPI 22, TM 29, PBE 31. Added: hypervisor, x2APIC, APIC. */
	{ 1, { ALL, 0xffff, ~0x090681e8u, ~0xa0604080u }, { 0, 0, 1u << 31 | 1u << 21, 1u << 9 } },
	{ 5, NOTHING, NOTHING },
	{ 6, { 1u << 2, 0, 0, 0 }, NOTHING }, /* the timer that never stops */
	{ 0xa, NOTHING, NOTHING },
	{ 0xb, NOTHING, NOTHING },
	/* ECX: SVM 2, extended APIC 3, OSVW 9, IBS 10, SKINIT 12, WDT 13, LWP 15, topology 22,
	 * counters 23, 24, 28, data breakpoint 26, performance TSC 27, MWAITX 29. EDX: MCE, MCA. */
	{ 0x80000001, { ALL, ALL, ~0x3dc0b60cu, ~0x00004080u }, { 0, 0, 0, 1u << 9 } },
	{ 0x8000000a, NOTHING, NOTHING },
	{ 0x8000001b, NOTHING, NOTHING },
	{ 0x8000001c, NOTHING, NOTHING },
	{ 0x8000001e, NOTHING, NOTHING },
	{ 0x8000001f, NOTHING, NOTHING },
	{ 0x80000022, NOTHING, NOTHING },
};

/* EBX: TSC_ADJUST 1, SGX 2, INVPCID 10, PQM 12, PQE 15, processor trace 25. ECX: PKU 3, 4, WAITPKG 5,
 * CET 7, LA57 16, RDPID 22. Of EDX only fast short REP MOV, AVX-512 parts, SERIALIZE. */
static const struct cpuid leaf7_keep = { 0, ~0x02009406u, ~0x004100b8u, 0x0000411cu };

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
		return (struct cpuid){ XEN_LEAF_LAST, XEN_CPUID_SIGNATURE_EBX,
			               XEN_CPUID_SIGNATURE_ECX, XEN_CPUID_SIGNATURE_EDX };
	case XEN_LEAF_FIRST + 1:
		return (struct cpuid){ .eax = XEN_VERSION_WORD };
	case XEN_LEAF_FIRST + 2:
		return (struct cpuid){ .eax = 1, .ebx = MSR_HYPERCALL_PAGE };
	case XEN_LEAF_FIRST + 4:
		/* Without the upcall-vector bit the kernel uses the callback that needs no EOI. */
		return (struct cpuid){ .eax = XEN_HVM_CPUID_VCPU_ID_PRESENT |
			                      XEN_HVM_CPUID_DOMID_PRESENT,
			               .ebx = vcpu->id,
			               .ecx = domid };
	default:
		return (struct cpuid){ 0 };
	}
}

/* Leaf 0xb: one thread a core, all cores in one package; the APIC id in EDX. */
static struct cpuid topology_leaf(const struct vcpu *vcpu, uint32_t subleaf, unsigned cpu_total)
{
	struct cpuid r = { .ecx = subleaf, .edx = vcpu->apic_id };

	if (subleaf == 0)
		r = (struct cpuid){ 0, 1, 1u << 8, vcpu->apic_id };
	else if (subleaf == 1)
		r = (struct cpuid){ 8, cpu_total, 2u << 8 | 1, vcpu->apic_id };
	return r;
}

static bool has_subleaves(uint32_t leaf)
{
	return leaf == 4 || leaf == 7 || leaf == 0xb || leaf == 0xd;
}

static const struct xen_cpuid_leaf *leaf_find(const struct cpu_policy *policy, uint32_t leaf,
                                              uint32_t subleaf)
{
	uint32_t wanted = has_subleaves(leaf) ? subleaf : XEN_CPUID_NO_SUBLEAF;

	for (unsigned i = 0; i < policy->count; i++)
		if (policy->leaves[i].leaf == leaf && policy->leaves[i].subleaf == wanted)
			return &policy->leaves[i];
	return NULL;
}

/* Leaves whose bits are features: the builder can take away, not add. */
static bool holds_features(uint32_t leaf)
{
	return leaf == 7 || leaf == 0xd || leaf == 0x80000001 || leaf == 0x80000007;
}

/* The builder's word for a leaf, less what this CPU or hypervisor does not have. */
static struct cpuid restricted(const struct xen_cpuid_leaf *stored, struct cpuid ours)
{
	static const struct cpuid nothing;
	struct cpuid theirs = { stored->a, stored->b, stored->c, stored->d };

	if (stored->leaf == 1) {
		theirs.ebx &= 0xffff;
		theirs.ecx &= ours.ecx;
		theirs.edx &= ours.edx;
	} else if (holds_features(stored->leaf)) {
		/* The size of the save area in use depends on the guest's XCR0: the CPU knows it. */
		if (stored->leaf == 0xd && stored->subleaf < 2)
			theirs.ebx = ours.ebx;
		theirs = apply(ours, &theirs, &nothing);
	}
	return theirs;
}

/* The part that is the same on every vCPU. */
static struct cpuid policy_base(const struct cpu_policy *policy, uint32_t leaf, uint32_t subleaf)
{
	static const struct cpuid nothing;
	struct cpuid ours = filtered(leaf, subleaf);
	const struct xen_cpuid_leaf *stored;

	if (leaf == 7)
		ours = subleaf ? nothing : apply(ours, &leaf7_keep, &nothing);
	if (!policy)
		return ours;
	stored = leaf_find(policy, leaf, subleaf);
	return stored ? restricted(stored, ours) : nothing;
}

struct cpuid policy_cpuid(struct vcpu *vcpu, uint32_t leaf, uint32_t subleaf, unsigned cpu_total,
                          domid_t domid)
{
	static const struct cpuid nothing;
	struct cpuid r;

	if (leaf >= 0x40000000u && leaf <= 0x4000ffffu)
		return xen_leaf(vcpu, leaf, domid);
	if (leaf > policy_base(vcpu->policy, leaf & 0x80000000u, 0).eax)
		return nothing;
	r = policy_base(vcpu->policy, leaf, subleaf);
	if (leaf == 1) {
		r.ebx |= vcpu->apic_id << 24 | MIN(cpu_total, 255u) << 16;
		r.ecx |= vcpu->control.cr4 & CR4_OSXSAVE ? 1u << 27 : 0;
	} else if (leaf == 0xb) {
		r = topology_leaf(vcpu, subleaf, cpu_total);
	} else if (leaf == 0x80000008) {
		r.ecx = (r.ecx & ~0xffffu) | (cpu_total - 1);
	}
	return r;
}

#define HIGHEST_BASIC    0xdu /* what the tools of the public ABI know */
#define HIGHEST_EXTENDED 0x80000021u

static void add(struct cpu_policy *policy, uint32_t leaf, uint32_t subleaf)
{
	struct cpuid r = { 0 };

	if (leaf < XEN_LEAF_FIRST || leaf >= 0x80000000u)
		r = policy_base(NULL, leaf, subleaf);
	if (policy->count == POLICY_LEAVES_MAX)
		return;
	if (leaf == 0)
		r.eax = MIN(r.eax, HIGHEST_BASIC);
	else if (leaf == 0x80000000u)
		r.eax = MIN(r.eax, HIGHEST_EXTENDED);
	policy->leaves[policy->count++] = (struct xen_cpuid_leaf){
		leaf, has_subleaves(leaf) ? subleaf : XEN_CPUID_NO_SUBLEAF, r.eax, r.ebx, r.ecx,
		r.edx
	};
}

/* Every leaf that the tools keep has its place, used or not: they hand the list back at its full
 * length in a buffer of the length that they got. */
static void add_all_of(struct cpu_policy *policy, uint32_t leaf)
{
	if (leaf == 4 || leaf == 0xb)
		for (uint32_t i = 0; i < (leaf == 4 ? 6 : 2); i++)
			add(policy, leaf, i);
	else if (leaf == 0xd)
		for (uint32_t i = 0; i < 63; i++) {
			if (i < 2 || xstate_supported() >> i & 1)
				add(policy, leaf, i);
		}
	else
		add(policy, leaf, 0);
}

void policy_default(struct cpu_policy *policy)
{
	uint32_t highest = MIN(cpuid(0x80000000u, 0).eax, HIGHEST_EXTENDED);

	policy->count = 0;
	for (uint32_t leaf = 0; leaf <= MIN(cpuid(0, 0).eax, HIGHEST_BASIC); leaf++)
		add_all_of(policy, leaf);
	add(policy, XEN_LEAF_FIRST, 0);
	add(policy, XEN_LEAF_FIRST + 0x100, 0);
	for (uint32_t leaf = 0x80000000u; leaf <= highest; leaf++)
		add_all_of(policy, leaf);
}

static bool leaf_is_known(const struct xen_cpuid_leaf *leaf)
{
	if (leaf->leaf >= 0x40000000u && leaf->leaf <= 0x400001ffu)
		return true; /* accepted, and answered by ourselves */
	if (leaf->leaf > HIGHEST_BASIC &&
	    (leaf->leaf < 0x80000000u || leaf->leaf > HIGHEST_EXTENDED))
		return false;
	return (leaf->subleaf == XEN_CPUID_NO_SUBLEAF) != has_subleaves(leaf->leaf);
}

static bool comes_before(const struct cpu_policy *policy, unsigned index)
{
	const struct xen_cpuid_leaf *leaf = &policy->leaves[index];

	for (unsigned i = 0; i < index; i++)
		if (policy->leaves[i].leaf == leaf->leaf &&
		    policy->leaves[i].subleaf == leaf->subleaf)
			return true;
	return false;
}

unsigned policy_check(const struct cpu_policy *policy)
{
	unsigned i = 0;

	while (i < policy->count && leaf_is_known(&policy->leaves[i]) && !comes_before(policy, i))
		i++;
	return i;
}
