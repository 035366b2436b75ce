/* A fault without a way to tell it: the domain crashes, and only that. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/guest.h"

const char test_name[] = "triple";

void test_main(void)
{
	static const char nothing[10];

	report();
	asm volatile("lidt %0; ud2" : : "m"(nothing));
}
