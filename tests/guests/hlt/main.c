/* The only CPU goes to sleep for good: that is a shutdown. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/guest.h"

const char test_name[] = "hlt";

void test_main(void)
{
	report();
	asm volatile("cli; hlt");
	failed("still awake");
}
