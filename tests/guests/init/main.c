/* The only CPU sends itself an INIT and waits for a start that never comes; only the toolstack ends it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/guest.h"

const char test_name[] = "init";

#define MSR_APIC_BASE  0x1b
#define MSR_X2APIC_ICR 0x830
#define X2APIC_ENABLED 0xc00

void test_main(void)
{
	uint64_t base;

	CHECK(msr_read(MSR_APIC_BASE, &base) && msr_write(MSR_APIC_BASE, base | X2APIC_ENABLED));
	report();
	msr_write(MSR_X2APIC_ICR, 0x4500); /* INIT to APIC id 0 */
	for (;;)
		asm volatile("pause");
}
