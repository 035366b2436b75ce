/* Two CPUs set their timers as fast as they can, and one resets the other with its timers set. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/guest.h"

const char test_name[] = "timers";

#define ROUNDS            2000
#define RESTARTS          100
#define MSR_X2APIC_LVT    0x832
#define MSR_X2APIC_COUNT  0x838
#define MSR_X2APIC_DIVIDE 0x83e

static volatile unsigned beats[2];

static long vcpu_op(unsigned op, unsigned vcpu, const void *argument)
{
	return hypercall3(__HYPERVISOR_vcpu_op, op, (const void *)(uint64_t)vcpu,
	                  (uint64_t)argument);
}

/* No handler is there for it: interrupts stay off, and the counts just go on. */
static void write_msr(uint32_t index, uint32_t value)
{
	asm volatile("wrmsr" : : "c"(index), "a"(value), "d"(0));
}

static void set_all(unsigned vcpu)
{
	struct vcpu_set_periodic_timer periodic = { .period_ns = 1000000 };
	struct vcpu_set_singleshot_timer single = { .timeout_abs_ns = beats[vcpu] };

	write_msr(MSR_X2APIC_COUNT, beats[vcpu] % 4 * 50000 + 1);
	vcpu_op(VCPUOP_set_periodic_timer, vcpu, &periodic);
	vcpu_op(VCPUOP_set_singleshot_timer, vcpu, &single);
	if (beats[vcpu]++ % 64 == 0)
		hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, NULL);
}

static void prepare(void)
{
	write_msr(MSR_X2APIC_DIVIDE, 0xb);
	write_msr(MSR_X2APIC_LVT, 0x20041); /* periodic */
}

static void second(void)
{
	uint64_t base = 0;

	asm volatile("rdmsr" : "=a"(base) : "c"(0x1b) : "rdx");
	asm volatile("wrmsr" : : "c"(0x1b), "a"((uint32_t)base | 0xc00), "d"(0));
	prepare();
	for (;;)
		set_all(1);
}

static void refused(void)
{
	struct vcpu_set_periodic_timer periodic = { .period_ns = 1 };
	struct vcpu_set_singleshot_timer single = {
		.timeout_abs_ns = 1,
		.flags = VCPU_SSHOTTMR_future,
	};

	CHECK(vcpu_op(VCPUOP_set_periodic_timer, 0, &periodic) < 0);
	periodic.period_ns = ~0UL;
	CHECK(vcpu_op(VCPUOP_set_periodic_timer, 0, &periodic) < 0);
	CHECK(vcpu_op(VCPUOP_set_singleshot_timer, 0, &single) < 0);
	CHECK(vcpu_op(VCPUOP_set_singleshot_timer, 1, &single) < 0); /* another's */
	single.flags = 0;
	single.timeout_abs_ns = ~0UL;
	CHECK(!vcpu_op(VCPUOP_set_singleshot_timer, 0, &single));
}

void test_main(void)
{
	refused();
	second_start_at(second);
	prepare();
	for (unsigned i = 0; i < ROUNDS; i++)
		set_all(0);
	for (unsigned i = 0; i < RESTARTS; i++) {
		unsigned before = beats[1];

		for (unsigned j = 0; j < 20 && beats[1] == before; j++)
			set_all(0);
		second_start_at(second);
	}
	CHECK(beats[1] > 0);
	note("%u and %u rounds", beats[0], beats[1]);
}
