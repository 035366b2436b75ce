/* Page tables that change as they are used, that lie in holes, in the APIC, in the hypervisor's pages. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/guest.h"

const char test_name[] = "tables";

#define TABLE_GFN 0x90000UL
#define REGION    (3UL << 39) /* the fourth entry of the top table */

static char target[PAGE_SIZE] __attribute__((aligned(4096)));

static void read_there(uint64_t address)
{
	(void)*(volatile uint64_t *)address;
}

static void write_there(uint64_t address)
{
	*(volatile uint64_t *)address = 0x600d;
}

static void reload(void)
{
	asm volatile("mov %0, %%cr3" : : "r"(page_tables) : "memory");
}

static void try_both(const char *what, uint64_t address)
{
	int read = try_call(read_there, address), write = try_call(write_there, address);

	if (read == NO_TRAP || write == NO_TRAP)
		note("%s: reached something", what);
}

/* A page of the hypervisor's as a table: the guest may write it, the walk marks entries as used. */
static void in_grant_table(void)
{
	struct xen_add_to_physmap add = {
		.domid = DOMID_SELF,
		.space = XENMAPSPACE_grant_table,
		.gpfn = TABLE_GFN,
	};
	uint64_t *entries = (uint64_t *)(TABLE_GFN * PAGE_SIZE);

	CHECK(!hypercall2(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, &add));
	entries[511] = (uint64_t)target | PTE_PRESENT | PTE_WRITE;
	*window_entry = 0;
	page_tables[3] = (TABLE_GFN * PAGE_SIZE) | PTE_PRESENT | PTE_WRITE;
	entries[0] = (TABLE_GFN * PAGE_SIZE) | PTE_PRESENT | PTE_WRITE;
	reload();
	CHECK(try_call(write_there, REGION | 511UL << 12) == NO_TRAP);
	CHECK(*(volatile uint64_t *)target == 0x600d);
	CHECK(!hypercall2(__HYPERVISOR_xen_version, XENVER_extraversion,
	                  (void *)(REGION | 511UL << 12 | 8)));
	entries[0] = 0;
}

static void in_places(void)
{
	static const uint64_t places[] = { 0x80000000, 0xfec00000,   0xfee00000,
		                           0xa0000,    0x7000000000, 0x100000000 };

	for (unsigned i = 0; i < COUNT(places); i++) {
		page_tables[3] = places[i] | PTE_PRESENT | PTE_WRITE | PTE_USER;
		reload();
		try_both("table in a hole", REGION);
	}
	page_tables[3] = 0;
	reload();
}

/* Each access finds the entry as it was left the moment before. */
static void changing(void)
{
	for (unsigned i = 0; i < 20000; i++) {
		bool there = pseudo_random() & 1, writable = pseudo_random() & 1;
		uint64_t at = (uint64_t)window(
			(uint64_t)target, (there ? PTE_PRESENT : 0) | (writable ? PTE_WRITE : 0));
		int trap = try_call(write_there, at);
		long result = hypercall2(__HYPERVISOR_xen_version, XENVER_extraversion, (void *)at);

		CHECK((trap == NO_TRAP) == (there && writable));
		CHECK((result == 0) == (there && writable));
	}
}

void test_main(void)
{
	changing();
	in_grant_table();
	in_places();
	report();
	asm volatile("mov %0, %%cr3; invlpg (%1)" : : "r"(0x80000000UL), "r"(target) : "memory");
	read_there((uint64_t)target);
}
