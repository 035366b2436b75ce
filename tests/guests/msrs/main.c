/* All model-specific registers: each has a value or gives #GP, and takes what it takes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/guest.h"

const char test_name[] = "msrs";

#define MSR_EFER       0xc0000080
#define MSR_X2APIC     0x800 /* has a test of its own, and can stop this CPU */
#define MSR_X2APIC_END 0x8ff
#define MSR_APIC_BASE  0x1b

static unsigned readable, writable;

/* Values that change how this CPU runs; what came before is put back at once. */
static void write_odd(uint32_t index, uint64_t before)
{
	static const uint64_t odd[] = { 0, ~0UL, 1UL << 63, 0x8000000000000000UL - 1 };

	if (index == MSR_EFER || index == MSR_APIC_BASE)
		return;
	for (unsigned i = 0; i < COUNT(odd) + 2; i++)
		if (msr_write(index, i < COUNT(odd) ? odd[i] : pseudo_random()))
			msr_write(index, before);
}

static void sweep(uint32_t first, uint32_t last)
{
	for (uint32_t index = first; index <= last; index++) {
		uint64_t before = 0;

		if (index >= MSR_X2APIC && index <= MSR_X2APIC_END)
			continue;
		if (msr_read(index, &before)) {
			readable++;
			writable += msr_write(index, before);
		}
		write_odd(index, before);
	}
}

void test_main(void)
{
	uint64_t efer;

	sweep(0, 0x1fff);
	sweep(0x40000000, 0x400001ff);
	sweep(0xc0000000, 0xc0001fff);
	sweep(0xc0010000, 0xc0011fff);
	sweep(0x7fffff00, 0x80000100);
	sweep(0xffffff00, 0xfffffffe);
	CHECK(msr_read(MSR_EFER, &efer) && (efer & 0xd01) == 0xd01);
	CHECK(!msr_write(MSR_EFER, efer | 1 << 12));  /* SVM */
	CHECK(!msr_write(MSR_EFER, efer & ~0x100UL)); /* long mode off, with paging on */
	CHECK(!msr_write(MSR_EFER, ~0UL));
	note("%u readable, %u of them take their own value", readable, writable);
}
