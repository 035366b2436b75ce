/* A 32-bit test guest's start: traps that end it, and its three ways of addressing memory. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "machine.h"

#define CR0_PG  (1u << 31)
#define CR4_PSE (1u << 4)
#define CR4_PAE (1u << 5)
#define LARGE   0x83u /* a large page that is present and writable */

struct gate {
	uint16_t offset_low, selector, type, offset_high;
};

static struct gate idt[256];
static uint32_t directory[1024] __attribute__((aligned(4096)));
static uint64_t directories[4][512] __attribute__((aligned(4096)));
static uint64_t directory_pointers[4] __attribute__((aligned(32)));

extern char trap_entries[], upcall_entry[];
bool is_amd;

void guest_start(void);
void guest_trap(const uint32_t *stack);

void wrmsr(uint32_t index, uint64_t value)
{
	asm volatile("wrmsr" : : "c"(index), "A"(value) : "memory");
}

uint64_t rdtsc(void)
{
	uint64_t value;

	asm volatile("rdtsc" : "=A"(value));
	return value;
}

void cpuid(uint32_t leaf, uint32_t r[4])
{
	asm volatile("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3]) : "a"(leaf), "c"(0));
}

domid_t own_id(void)
{
	uint32_t r[4];

	cpuid(0x40000004, r);
	return r[0] & XEN_HVM_CPUID_DOMID_PRESENT ? (domid_t)r[2] : DOMID_INVALID;
}

static void gate_set(unsigned vector, const char *entry)
{
	idt[vector] = (struct gate){
		.offset_low = (uint16_t)(uintptr_t)entry,
		.selector = 0x08,
		.type = 0x8e00,
		.offset_high = (uint16_t)((uintptr_t)entry >> 16),
	};
}

static void tables_fill(void)
{
	for (uint32_t i = 0; i < 1024; i++)
		directory[i] = i << 22 | LARGE;
	for (uint32_t i = 0; i < 2048; i++)
		directories[i / 512][i % 512] = (uint64_t)i << 21 | LARGE;
	for (unsigned i = 0; i < 4; i++)
		directory_pointers[i] = (uintptr_t)directories[i] | 1;
}

static uint32_t cr0_read(void)
{
	uint32_t value;

	asm volatile("mov %%cr0, %0" : "=r"(value));
	return value;
}

void paging_set(enum paging mode)
{
	const void *root = mode == PAGING_PAE ? (const void *)directory_pointers : directory;

	asm volatile("mov %0, %%cr0" : : "r"(cr0_read() & ~CR0_PG) : "memory");
	if (mode == PAGING_OFF)
		return;
	asm volatile("mov %0, %%cr4" : : "r"(mode == PAGING_PAE ? CR4_PAE : CR4_PSE));
	asm volatile("mov %0, %%cr3" : : "r"(root) : "memory");
	asm volatile("mov %0, %%cr0" : : "r"(cr0_read() | CR0_PG) : "memory");
}

void guest_start(void)
{
	struct {
		uint16_t limit;
		uint32_t base;
	} __attribute__((packed)) pointer = { sizeof(idt) - 1, (uintptr_t)idt };
	uint32_t r[4];

	cpuid(0, r);
	is_amd = r[2] == 0x444d4163; /* "cAMD" */
	for (unsigned i = 0; i < 32; i++)
		gate_set(i, trap_entries + 16 * i);
	gate_set(UPCALL_VECTOR, upcall_entry);
	asm volatile("lidt %0" : : "m"(pointer));
	tables_fill();
	test_main();
	finish();
}

/* The vector, and what the CPU pushed: an error code, if there is one, and where it was. */
void guest_trap(const uint32_t *stack)
{
	failed("unexpected trap %u: %#x %#x", stack[0], stack[1], stack[2]);
	finish();
}
