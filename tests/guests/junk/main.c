/* Every hypercall and operation with arguments that make no sense; the hypervisor answers each. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/guest.h"

const char test_name[] = "junk";

#define ROUNDS 6

static uint8_t scratch[PAGE_SIZE] __attribute__((aligned(4096)));

/* What would end the guest or make it sleep, as it should. */
static bool is_own_end(uint64_t number, uint64_t operation)
{
	switch (number) {
	case __HYPERVISOR_sched_op_compat:
	case __HYPERVISOR_multicall: /* takes all of memory for calls, and writes results into it */
		return true;
	case __HYPERVISOR_sched_op:
		return operation != SCHEDOP_yield && operation != SCHEDOP_remote_shutdown;
	case __HYPERVISOR_vcpu_op:
		return operation == VCPUOP_down || operation == VCPUOP_register_vcpu_info;
	case __HYPERVISOR_event_channel_op:
		return operation == EVTCHNOP_reset || operation == EVTCHNOP_init_control ||
		       operation == EVTCHNOP_close;
	default:
		return false;
	}
}

static void fill(unsigned round)
{
	for (unsigned i = 0; i < sizeof(scratch); i++)
		scratch[i] = round < 2 ? 0 : round == 2 ? 0xff : (uint8_t)pseudo_random();
}

static uint64_t argument(unsigned round)
{
	static const uint64_t odd[] = {
		0,         1,        ~0UL, 0x7fffffffffffUL, 0x800000000000UL, 0xffff800000000000UL,
		1UL << 31, 1UL << 32
	};

	if (round == 0)
		return (uint64_t)scratch;
	return pseudo_random() % 3 ? (uint64_t)scratch + pseudo_random() % 4 * 8
	                           : odd[pseudo_random() % COUNT(odd)];
}

void test_main(void)
{
	unsigned answered[2] = { 0, 0 };

	for (unsigned round = 0; round < ROUNDS; round++)
		for (uint64_t number = 0; number < 64; number++)
			for (uint64_t operation = 0; operation < 64; operation++) {
				long result;

				if (is_own_end(number, operation))
					continue;
				fill(round);
				result = hypercall(number, operation, argument(round),
				                   argument(round) & 15, argument(round),
				                   argument(round));
				answered[result >= 0]++;
			}
	for (unsigned i = 0; i < 2000; i++) {
		long result = hypercall(pseudo_random() | 64, pseudo_random(), pseudo_random(),
		                        pseudo_random(), pseudo_random(), pseudo_random());

		CHECK(result < 0);
	}
	CHECK(hypercall(~0UL, 0, 0, 0, 0, 0) == -X_ENOSYS);
	CHECK(hypercall(1UL << 32 | __HYPERVISOR_xen_version, 0, 0, 0, 0, 0) < 0x50000);
	note("%u refused, %u served", answered[0], answered[1]);
}
