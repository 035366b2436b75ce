/* Exceptions that cannot be told, for their tables lie where nothing is: the domain's end, as a crash. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/guest.h"

const char test_name[] = "delivery";

#define HOLE 0x80000000UL

void test_main(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed))
	table = { 0xfff, (uint64_t)window(HOLE, PTE_PRESENT | PTE_WRITE) };

	report();
	asm volatile("lidt %0; ud2" : : "m"(table));
}
