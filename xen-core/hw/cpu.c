/* Which features this CPU has, and model-specific registers that may not exist. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "hw/cpu.h"

#include "hw/fixup.h"
#include "lib/errno.h"

enum cpuid_register { EAX, EBX, ECX, EDX };

static const struct {
	uint32_t leaf;
	enum cpuid_register reg;
	unsigned bit;
} feature_bits[CPU_QEMU] = {
	[CPU_NX] = { 0x80000001, EDX, 20 },
	[CPU_PAGE_1G] = { 0x80000001, EDX, 26 },
	[CPU_SMEP] = { 7, EBX, 7 },
	[CPU_SMAP] = { 7, EBX, 20 },
	[CPU_X2APIC] = { 1, ECX, 21 },
	[CPU_TSC_DEADLINE] = { 1, ECX, 24 },
	[CPU_INVARIANT_TSC] = { 0x80000007, EDX, 8 },
	[CPU_XSAVE] = { 1, ECX, 26 },
	[CPU_RDTSCP] = { 0x80000001, EDX, 27 },
	[CPU_SVM] = { 0x80000001, ECX, 2 },
	[CPU_VMX] = { 1, ECX, 5 },
	[CPU_HYPERVISOR] = { 1, ECX, 31 },
};

static bool features[CPU_FEATURES];

/* Leaves beyond the highest one of their range answer with another leaf's data. */
static bool leaf_exists(uint32_t leaf)
{
	return leaf <= cpuid(leaf & 0x80000000, 0).eax;
}

static bool feature_present(enum cpu_feature feature)
{
	uint32_t leaf = feature_bits[feature].leaf;
	struct cpuid r;

	if (!leaf_exists(leaf))
		return false;
	r = cpuid(leaf, 0);

	uint32_t registers[] = { [EAX] = r.eax, [EBX] = r.ebx, [ECX] = r.ecx, [EDX] = r.edx };

	return registers[feature_bits[feature].reg] >> feature_bits[feature].bit & 1;
}

/* By the name that its emulated CPUs give. */
static bool is_of_qemu(void)
{
	return features[CPU_HYPERVISOR] && cpuid(0x40000000, 0).ebx == 0x54474354; /* TCGT */
}

void cpu_detect(void)
{
	for (unsigned i = 0; i < CPU_QEMU; i++)
		features[i] = feature_present(i);
	features[CPU_QEMU] = is_of_qemu();
}

bool cpu_has(enum cpu_feature feature)
{
	return features[feature];
}

unsigned cpu_address_bits(void)
{
	return leaf_exists(0x80000008) ? cpuid(0x80000008, 0).eax & 0xff : 36;
}

int rdmsr_safe(uint32_t msr, uint64_t *value)
{
	uint32_t low = 0, high = 0;
	int err = -EFAULT;

	asm volatile("1: rdmsr\n"
	             "xor %[err], %[err]\n"
	             "2:\n" FIXUP("1b", "2b")
	             : "+a"(low), "+d"(high), [err] "+r"(err)
	             : "c"(msr)
	             : "cc");
	*value = (uint64_t)high << 32 | low;
	return err;
}

int wrmsr_safe(uint32_t msr, uint64_t value)
{
	int err = -EFAULT;

	asm volatile("1: wrmsr\n"
	             "xor %[err], %[err]\n"
	             "2:\n" FIXUP("1b", "2b")
	             : [err] "+r"(err)
	             : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
	             : "cc", "memory");
	return err;
}
