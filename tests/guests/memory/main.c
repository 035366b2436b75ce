/* Reads and writes all over the guest-physical address space: own memory, or nothing. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/guest.h"

const char test_name[] = "memory";

#define OWN_END      0x2000000UL /* 32 MiB, as it is started with; and the special pages, ACPI's */
#define OWN_SPECIAL  0xfc000000UL
#define SPECIAL_SIZE 0x3000000UL
#define BEYOND       0x8000000000000UL /* no CPU has so many address bits */

static unsigned reached, trapped_count;
static uint64_t seen;

static void read_there(uint64_t address)
{
	seen = *(volatile uint64_t *)address;
}

/* What it reads it writes, so that own memory stays as it is. */
static void write_back(uint64_t address)
{
	*(volatile uint64_t *)address = seen;
}

static void read_byte(uint64_t address)
{
	seen = *(volatile uint8_t *)(address + 7);
}

static void outcome(const char *what, uint64_t address, int trap)
{
	if (trap == NO_TRAP)
		reached++;
	else
		trapped_count++;
	if (trap != NO_TRAP && trap != TRAP_GP && trap != TRAP_PF && trap != TRAP_UD)
		failed("%s at %#lx: trap %d", what, address, trap);
}

static void probe(uint64_t address)
{
	uint64_t at = (uint64_t)window(address, PTE_PRESENT | PTE_WRITE);
	int trap = try_call(read_there, at);

	outcome("read", address, trap);
	if (trap == NO_TRAP && address >= OWN_END && address - OWN_SPECIAL >= SPECIAL_SIZE &&
	    seen != ~0UL)
		failed("%#lx reads %#lx", address, seen);
	if (trap == NO_TRAP)
		outcome("write", address, try_call(write_back, at));
	outcome("byte", address, try_call(read_byte, at));
}

void test_main(void)
{
	static const uint64_t devices[] = { 0xa0000,    0xb8000,    0xc0000,    0xf0000,
		                            0xe0000000, 0xf0000000, 0xfebfe000, 0xfec00000,
		                            0xfed00000, 0xfed40000, 0xfef00000, 0xfffff000 };

	for (uint64_t address = 0; address < 1UL << 32; address += 1UL << 20)
		if (address != 0xfee00000) /* the local APIC has a test of its own */
			probe(address);
	for (unsigned i = 0; i < COUNT(devices); i++)
		probe(devices[i]);
	for (uint64_t bit = 1UL << 32; bit < BEYOND; bit <<= 1) {
		probe(bit);
		probe(bit - PAGE_SIZE);
		probe(bit | 0x200000);
		probe(bit | 0xfee00000);
	}
	note("%u accesses went through, %u trapped", reached, trapped_count);
}
