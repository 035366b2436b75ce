/* Runs where there is no memory, and in the hypervisor's pages: a trap, or the domain's end. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/guest.h"

const char test_name[] = "execute";

static void run_there(uint64_t address)
{
	((void (*)(void))address)();
}

void test_main(void)
{
	static const uint64_t places[] = { 0x80000000, 0xfee00000, 0xfec00000, 0x100000000,
		                           0x7000000000 };

	report();
	for (unsigned i = 0; i < COUNT(places); i++) {
		int trap = try_call(run_there,
		                    (uint64_t)window(places[i], PTE_PRESENT | PTE_WRITE));

		note("trap %d at %#lx", trap, places[i]);
	}
}
