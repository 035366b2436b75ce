/* The local APIC by memory and by MSR: every register, with anything in it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/guest.h"

const char test_name[] = "apic";

#define MSR_APIC_BASE 0x1b
#define APIC          0xfee00000UL
#define ENABLED       0x800UL
#define X2            0x400UL
#define ICR           0x300
#define SELF_IPI      0x3f0
#define MODES         0x700 /* of delivery; those that stop a CPU are left out */

static uint32_t command(void)
{
	static const uint32_t harmless[] = { 0x000, 0x100, 0x200, 0x300 };
	uint32_t value = (uint32_t)pseudo_random() & ~MODES;

	return value | harmless[pseudo_random() % COUNT(harmless)];
}

static void touch(uint64_t address)
{
	volatile uint32_t *at = (volatile uint32_t *)address;

	*at = (uint32_t)pseudo_random();
	(void)*at;
}

static void touch_odd(uint64_t address)
{
	(void)*(volatile uint8_t *)address;
	*(volatile uint8_t *)(address + 1) = 0xff;
	(void)*(volatile uint64_t *)(address + 4);
	*(volatile uint64_t *)(address + 8) = ~0UL;
}

static void read_modify(uint64_t address)
{
	asm volatile("addl $1, (%0); xchg %%eax, (%0); andl $0, (%0)"
	             :
	             : "r"(address)
	             : "eax", "memory");
}

static void by_memory(void)
{
	unsigned traps = 0;

	for (unsigned round = 0; round < 20; round++)
		for (uint64_t offset = 0; offset < PAGE_SIZE; offset += 16)
			if (offset != ICR)
				traps += try_call(touch, APIC + offset) != NO_TRAP;
	for (uint64_t offset = 0; offset < PAGE_SIZE; offset += 16)
		if (offset != ICR) {
			traps += try_call(touch_odd, APIC + offset) != NO_TRAP;
			traps += try_call(read_modify, APIC + offset) != NO_TRAP;
		}
	note("%u traps by memory", traps);
}

static void by_msr(void)
{
	unsigned refused = 0;

	for (unsigned round = 0; round < 20; round++)
		for (uint32_t index = 0x800; index < 0x900; index++) {
			uint64_t value = pseudo_random() >> (round & 1 ? 32 : 0), before;

			if (index == 0x800 + ICR / 16)
				value = command() | (value & 0xffffffff00000000);
			msr_read(index, &before);
			refused += !msr_write(index, value);
		}
	note("%u writes by MSR refused", refused);
}

static void timer(void)
{
	msr_write(0x80f, 0x1ff);
	msr_write(0x83e, 0xb);     /* undivided */
	msr_write(0x832, 0x20040); /* periodic */
	for (uint64_t count = 1; count < 1UL << 32; count <<= 3)
		msr_write(0x838, count);
	msr_write(0x838, 1);
	for (unsigned i = 0; i < 1000; i++)
		hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, NULL);
	msr_write(0x832, 0x10000);
}

void test_main(void)
{
	uint64_t base;

	/* First, for later an interrupt is pending, and then QEMU 7.2 aborts on it. */
	for (uint64_t cr8 = 0; cr8 < 16; cr8++)
		asm volatile("mov %0, %%cr8" : : "r"(cr8));
	CHECK(msr_read(MSR_APIC_BASE, &base));
	if (!(base & X2))
		by_memory();
	CHECK(msr_read(MSR_APIC_BASE, &base) && msr_write(MSR_APIC_BASE, base | ENABLED | X2));
	by_msr();
	timer();
	for (unsigned i = 0; i < 2000; i++)
		msr_write(MSR_APIC_BASE, i < 64 ? 1UL << i : pseudo_random() >> (i % 64));
}
