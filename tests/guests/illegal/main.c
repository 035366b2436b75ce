/* Control registers with what must not be in them: a fault or, where the CPU lets it by, the domain's end. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/guest.h"

const char test_name[] = "illegal";

#define CR0 0x80010033UL
#define CR4 0x620UL
#define DR7 0x400UL

static void cr0(uint64_t value)
{
	asm volatile("mov %0, %%cr0; mov %1, %%cr0" : : "r"(value), "r"(CR0) : "memory");
}

static void cr4(uint64_t value)
{
	asm volatile("mov %0, %%cr4; mov %1, %%cr4" : : "r"(value), "r"(CR4) : "memory");
}

static void dr7(uint64_t value)
{
	asm volatile("mov %0, %%dr7; mov %1, %%dr7" : : "r"(value), "r"(DR7) : "memory");
}

/* Put right by the next instruction, unless an interrupt comes just between. */
static void for_a_moment(void)
{
	for (unsigned bit = 0; bit < 64; bit++) {
		if (1UL << bit != 1 &&
		    bit != 31) /* without paging or protection this code cannot run */
			try_call(cr0, CR0 ^ 1UL << bit);
		if (bit != 5 && bit != 12 && bit != 17)
			try_call(cr4, CR4 ^ 1UL << bit);
		try_call(dr7, 1UL << bit & ~0xffUL);
	}
	for (unsigned i = 0; i < 1000; i++)
		try_call(dr7, pseudo_random() & ~0xffUL);
}

void test_main(void)
{
	report();
	for_a_moment();
	note("still there");
	/* To stay, over an exit: paging without protection. */
	asm volatile("mov %0, %%cr0; cpuid" : : "r"(CR0 & ~1UL) : "rax", "rbx", "rcx", "rdx");
}
