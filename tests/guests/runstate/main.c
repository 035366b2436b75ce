/* What one CPU reads of another's runstate is so now, not when that one last ran. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/guest.h"

const char test_name[] = "runstate";

#define LOOKS 1000000

/* On two pages: it begins 8 bytes before the second. */
static char room[2 * PAGE_SIZE] __attribute__((aligned(4096)));
static volatile struct vcpu_runstate_info *const shown = (void *)(room + PAGE_SIZE - 8);
static volatile bool asleep, woken;

static long vcpu_op(unsigned op, const void *argument)
{
	return hypercall3(__HYPERVISOR_vcpu_op, op, (const void *)1UL, (uint64_t)argument);
}

/* The time is only whole while the flag of an update is not set. */
static bool comes_to(int state)
{
	for (unsigned i = 0; i < LOOKS; i++) {
		if (shown->state == state && !(shown->state_entry_time & XEN_RUNSTATE_UPDATE))
			return true;
		hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, NULL);
	}
	note("its state stays %d", shown->state);
	return false;
}

static uint64_t sum_of_times(void)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < COUNT(shown->time); i++)
		sum += shown->time[i];
	return sum;
}

static void second(void)
{
	asleep = true;
	hypercall2(__HYPERVISOR_sched_op, SCHEDOP_block, NULL);
	woken = true;
	for (;;)
		asm volatile("pause");
}

static void wake(evtchn_port_t port)
{
	struct evtchn_send send = { .port = port };

	CHECK(!hypercall2(__HYPERVISOR_event_channel_op, EVTCHNOP_send, &send));
}

static evtchn_port_t port_to_second(void)
{
	struct evtchn_bind_ipi bind = { .vcpu = 1 };

	CHECK(!hypercall2(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_ipi, &bind));
	return bind.port;
}

void test_main(void)
{
	struct vcpu_register_runstate_memory_area area = { .addr.p = (uint64_t)shown };
	struct vcpu_runstate_info asked;
	uint64_t slept;

	CHECK(!hypercall2(__HYPERVISOR_vm_assist, VMASST_CMD_enable,
	                  (void *)(uint64_t)VMASST_TYPE_runstate_update_flag));
	CHECK(!vcpu_op(VCPUOP_register_runstate_memory_area, &area));
	CHECK(shown->state == RUNSTATE_offline);

	second_start_at(second);
	CHECK(comes_to(RUNSTATE_blocked));
	CHECK(asleep && !woken);
	slept = shown->time[RUNSTATE_blocked];

	wake(port_to_second());
	CHECK(comes_to(RUNSTATE_running));
	while (!woken)
		asm volatile("pause");
	CHECK(shown->time[RUNSTATE_blocked] > slept);

	CHECK(!vcpu_op(VCPUOP_down, NULL));
	CHECK(comes_to(RUNSTATE_offline));
	CHECK(!vcpu_op(VCPUOP_is_up, NULL));
	CHECK(!vcpu_op(VCPUOP_get_runstate_info, &asked));
	CHECK(asked.state == RUNSTATE_offline);
	CHECK(asked.time[RUNSTATE_running] == shown->time[RUNSTATE_running]);
	note("after %llu ns", (unsigned long long)sum_of_times());
}
