/* A guest that feeds its watchdog lives; then it does not any more, and is ended for that. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/guest.h"

const char test_name[] = "watchdog";

static long set(uint32_t id, uint32_t seconds)
{
	struct sched_watchdog request = { .id = id, .timeout = seconds };

	return hypercall2(__HYPERVISOR_sched_op, SCHEDOP_watchdog, &request);
}

static void refused(void)
{
	CHECK(set(0, 0) == -X_EINVAL);
	CHECK(set(1, 10) == -X_EINVAL); /* does not run */
	CHECK(set(1, 0) == -X_EINVAL);
	CHECK(set(3, 10) == -X_EINVAL);
	CHECK(set(~0U, 10) == -X_EINVAL);
	CHECK(hypercall2(__HYPERVISOR_sched_op, SCHEDOP_watchdog, (void *)-4096L) == -X_EFAULT);
}

static void two_at_most(void)
{
	CHECK(set(0, ~0U) == 1);
	CHECK(set(0, 1000) == 2);
	CHECK(set(0, 1000) == -X_ENOSPC);
	CHECK(!set(1, 0));
	CHECK(set(1, 0) == -X_EINVAL);
	CHECK(!set(2, 2));
}

static char room[PAGE_SIZE] __attribute__((aligned(4096)));

static void see_time(void)
{
	struct xen_add_to_physmap map = { .domid = DOMID_SELF,
		                          .space = XENMAPSPACE_shared_info,
		                          .gpfn = (uint64_t)room / PAGE_SIZE };

	CHECK(!hypercall2(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, &map));
}

static uint64_t now(void)
{
	const volatile struct shared_info *shared = (void *)room;
	const volatile struct vcpu_time_info *time = &shared->vcpu_info[0].time;
	uint64_t tsc = __builtin_ia32_rdtsc() - time->tsc_timestamp;

	tsc = time->tsc_shift < 0 ? tsc >> -time->tsc_shift : tsc << time->tsc_shift;
	return time->system_time +
	       (uint64_t)((unsigned __int128)tsc * time->tsc_to_system_mul >> 32);
}

void test_main(void)
{
	uint64_t begin;

	see_time();
	begin = now();
	refused();
	two_at_most();
	while (now() - begin < 5000000000UL)
		CHECK(!set(2, 2));
	CHECK(!set(2, 0)); /* stopped: nothing happens */
	begin = now();
	while (now() - begin < 3000000000UL)
		hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, NULL);
	CHECK(set(0, 1) == 1);
	report();
	for (;;)
		;
}
