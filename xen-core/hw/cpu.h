/* The CPU's instructions that C has no word for, and which features this CPU has. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_HW_CPU_H
#define XEN_CORE_HW_CPU_H

#include "lib/types.h"

#define MSR_APIC_BASE 0x1b
#define MSR_EFER      0xc0000080
#define EFER_SCE      BIT(0)
#define EFER_LME      BIT(8)
#define EFER_LMA      BIT(10)
#define EFER_NXE      BIT(11)
#define EFER_SVME     BIT(12)
#define MSR_PAT       0x277
#define MSR_FS_BASE   0xc0000100
#define MSR_GS_BASE   0xc0000101
#define MSR_TSC_AUX   0xc0000103

#define CR0_PE BIT(0)
#define CR0_MP BIT(1)
#define CR0_EM BIT(2)
#define CR0_TS BIT(3)
#define CR0_ET BIT(4)
#define CR0_NE BIT(5)
#define CR0_WP BIT(16)
#define CR0_AM BIT(18)
#define CR0_NW BIT(29)
#define CR0_CD BIT(30)
#define CR0_PG BIT(31)

#define CR4_PSE        BIT(4)
#define CR4_PAE        BIT(5)
#define CR4_MCE        BIT(6)
#define CR4_PGE        BIT(7)
#define CR4_OSFXSR     BIT(9)
#define CR4_OSXMMEXCPT BIT(10)
#define CR4_UMIP       BIT(11)
#define CR4_LA57       BIT(12)
#define CR4_FSGSBASE   BIT(16)
#define CR4_PCIDE      BIT(17)
#define CR4_OSXSAVE    BIT(18)
#define CR4_SMEP       BIT(20)
#define CR4_SMAP       BIT(21)

#define RFLAGS_FIXED BIT(1)
#define RFLAGS_TF    BIT(8)
#define RFLAGS_IF    BIT(9)
#define RFLAGS_DF    BIT(10)
#define RFLAGS_RF    BIT(16)
#define RFLAGS_AC    BIT(18)

struct cpuid {
	uint32_t eax, ebx, ecx, edx;
};

static inline struct cpuid cpuid(uint32_t leaf, uint32_t subleaf)
{
	struct cpuid r;

	asm volatile("cpuid"
	             : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
	             : "a"(leaf), "c"(subleaf));
	return r;
}

static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t low, high;

	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return (uint64_t)high << 32 | low;
}

static inline void wrmsr(uint32_t msr, uint64_t value)
{
	asm volatile("wrmsr" ::"c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
	             : "memory");
}

/* As rdmsr and wrmsr, but -EFAULT where the CPU raises #GP. */
int rdmsr_safe(uint32_t msr, uint64_t *value);
int wrmsr_safe(uint32_t msr, uint64_t value);

static inline uint64_t rdtsc(void)
{
	uint32_t low, high;

	asm volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

/* No later load or store of this CPU is done before the time is read. */
static inline uint64_t rdtsc_ordered(void)
{
	asm volatile("lfence" ::: "memory");
	return rdtsc();
}

static inline uint64_t read_cr0(void)
{
	uint64_t value;

	asm volatile("mov %%cr0, %0" : "=r"(value));
	return value;
}

static inline void write_cr0(uint64_t value)
{
	asm volatile("mov %0, %%cr0" ::"r"(value) : "memory");
}

static inline uint64_t read_cr2(void)
{
	uint64_t value;

	asm volatile("mov %%cr2, %0" : "=r"(value));
	return value;
}

static inline void write_cr2(uint64_t value)
{
	asm volatile("mov %0, %%cr2" ::"r"(value));
}

static inline uint64_t read_cr3(void)
{
	uint64_t value;

	asm volatile("mov %%cr3, %0" : "=r"(value));
	return value;
}

static inline void write_cr3(uint64_t value)
{
	asm volatile("mov %0, %%cr3" ::"r"(value) : "memory");
}

static inline uint64_t read_cr4(void)
{
	uint64_t value;

	asm volatile("mov %%cr4, %0" : "=r"(value));
	return value;
}

static inline void write_cr4(uint64_t value)
{
	asm volatile("mov %0, %%cr4" ::"r"(value) : "memory");
}

static inline uint64_t read_xcr0(void)
{
	uint32_t low, high;

	asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return (uint64_t)high << 32 | low;
}

static inline void write_xcr0(uint64_t value)
{
	asm volatile("xsetbv" ::"c"(0), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

static inline void interrupts_on(void)
{
	asm volatile("sti" ::: "memory");
}

static inline void interrupts_off(void)
{
	asm volatile("cli" ::: "memory");
}

/* Takes the interrupts that wait, for one instruction. (Not PAUSE: QEMU would take none after it.) */
static inline void interrupts_window(void)
{
	asm volatile("sti; nop; cli" ::: "memory");
}

static inline uint64_t read_rflags(void)
{
	uint64_t value;

	asm volatile("pushfq; pop %0" : "=r"(value));
	return value;
}

static inline void invlpg(const void *address)
{
	asm volatile("invlpg (%0)" ::"r"(address) : "memory");
}

/* What we ask of the CPU; each is a bit of some CPUID leaf (table in cpu.c). */
enum cpu_feature {
	CPU_NX,
	CPU_PAGE_1G,
	CPU_SMEP,
	CPU_SMAP,
	CPU_X2APIC,
	CPU_TSC_DEADLINE,
	CPU_INVARIANT_TSC,
	CPU_XSAVE,
	CPU_RDTSCP,
	CPU_SVM,
	CPU_VMX,
	CPU_HYPERVISOR, /* it is not real: another hypervisor or an emulator is beneath us */
	CPU_QEMU,       /* it is QEMU that emulates it */
	CPU_FEATURES
};

bool cpu_has(enum cpu_feature feature);

/* In a loop that waits for another CPU. QEMU leaves its loop of translated code at each PAUSE, and takes a lock there that the
 * other CPU may need for what is waited for. */
static inline void cpu_relax(void)
{
	if (cpu_has(CPU_QEMU))
		asm volatile("" ::: "memory");
	else
		asm volatile("pause" ::: "memory");
}

void cpu_detect(void); /* boot CPU, once */

/* Bits of a machine address that exist on this CPU (CPUID 0x80000008). */
unsigned cpu_address_bits(void);

#endif
