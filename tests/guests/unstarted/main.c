/* A CPU that nobody has started is set going by hypercall, and sent what confuses a CPU. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/guest.h"

const char test_name[] = "unstarted";

#define MSR_APIC_BASE  0x1b
#define MSR_X2APIC_ICR 0x830
#define X2APIC_ENABLED 0xc00
#define TO_SECOND      (2UL << 32)

static long vcpu_op(unsigned op)
{
	return hypercall3(__HYPERVISOR_vcpu_op, op, (const void *)1UL, 0);
}

void test_main(void)
{
	uint64_t base;

	CHECK(msr_read(MSR_APIC_BASE, &base) && msr_write(MSR_APIC_BASE, base | X2APIC_ENABLED));
	CHECK(vcpu_op(VCPUOP_is_up) == 0);
	CHECK(vcpu_op(VCPUOP_initialise) < 0);
	CHECK(msr_write(MSR_X2APIC_ICR, TO_SECOND | 0x400)); /* NMI */
	CHECK(msr_write(MSR_X2APIC_ICR, TO_SECOND | 0x41));
	CHECK(msr_write(MSR_X2APIC_ICR, TO_SECOND | 0x4600 | 0xff)); /* a start-up without INIT */
	note("up: %ld", vcpu_op(VCPUOP_up));
	report();
	for (unsigned i = 0; i < 200; i++) {
		vcpu_op(i % 2 ? VCPUOP_up : VCPUOP_down);
		msr_write(MSR_X2APIC_ICR, TO_SECOND | 0x4500);
		msr_write(MSR_X2APIC_ICR, TO_SECOND | 0x4600 | 0xff);
		hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, NULL);
	}
}
