/* What a 32-bit kernel and the hypervisor share: clock, time, runstate, the vCPU's own info. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "narrow.h"

#define YEAR_2020 1577836800u
#define YEAR_2100 4102444800u

struct shared_info *shared;
struct vcpu_info *info;

static char place[PAGE_SIZE] __attribute__((aligned(4096)));
static char room[2 * PAGE_SIZE] __attribute__((aligned(4096)));

void shared_info_show(void)
{
	struct xen_add_to_physmap add = {
		.domid = DOMID_SELF,
		.space = XENMAPSPACE_shared_info,
		.gpfn = (uintptr_t)place / PAGE_SIZE,
	};

	CHECK(!memory_op(XENMEM_add_to_physmap, &add));
	shared = (void *)place;
	info = &shared->vcpu_info[0];
}

void test_wall_clock(void)
{
	CHECK(shared->wc_version && !(shared->wc_version & 1));
	CHECK(shared->wc_sec > YEAR_2020 && shared->wc_sec < YEAR_2100);
	CHECK(!shared->arch.wc_sec_hi && shared->wc_nsec < 1000000000);
	CHECK(!shared->evtchn_mask[0] && !shared->evtchn_mask[31]);
}

uint64_t system_time(void)
{
	const struct vcpu_time_info *time = &info->time;
	uint64_t ticks = rdtsc() - time->tsc_timestamp;

	if (time->tsc_shift < 0)
		ticks >>= -time->tsc_shift;
	else
		ticks <<= time->tsc_shift;
	return time->system_time + (((ticks >> 32) * time->tsc_to_system_mul) +
	                            ((ticks & 0xffffffff) * time->tsc_to_system_mul >> 32));
}

static void runstate_at(char *at)
{
	volatile struct vcpu_runstate_info *shown = (void *)at;
	struct vcpu_register_runstate_memory_area area = { .addr.v = (void *)at };
	struct vcpu_runstate_info asked;
	uint64_t ran, offline; /* what was shown before it was asked: both may grow at any time */

	for (unsigned i = 0; i < sizeof(*shown) + 4; i++)
		at[i] = 0x77;
	CHECK(!vcpu_op(VCPUOP_register_runstate_memory_area, &area));
	CHECK(shown->state == RUNSTATE_running);
	CHECK(shown->state_entry_time && shown->state_entry_time <= system_time());
	ran = shown->time[RUNSTATE_running];
	offline = shown->time[RUNSTATE_offline];
	CHECK(ran && ran <= system_time());
	CHECK(!vcpu_op(VCPUOP_get_runstate_info, &asked));
	CHECK(asked.state == RUNSTATE_running);
	CHECK(asked.time[RUNSTATE_running] >= ran);
	CHECK(asked.time[RUNSTATE_offline] >= offline);
	CHECK(at[sizeof(*shown)] == 0x77);
}

/* In one page, over two, and with its last byte at the end of one. */
void test_runstate(void)
{
	struct vcpu_register_runstate_memory_area none = { .addr.p = 0 };

	CHECK(!hypercall2(__HYPERVISOR_vm_assist, VMASST_CMD_enable,
	                  (void *)VMASST_TYPE_runstate_update_flag));
	for (unsigned offset = 0; offset <= sizeof(struct vcpu_runstate_info); offset += 4)
		runstate_at(room + PAGE_SIZE - offset);
	CHECK(!vcpu_op(VCPUOP_register_runstate_memory_area, &none));
}

/* At an address that is no multiple of 8, and no longer in shared info. */
void test_vcpu_info(void)
{
	static char own[PAGE_SIZE] __attribute__((aligned(4096)));
	struct vcpu_register_vcpu_info request = { .mfn = (uintptr_t)own / PAGE_SIZE, .offset = 2 };
	evtchn_port_t port = bind_ipi();
	struct evtchn_send send = { .port = port };
	uint64_t before = system_time();

	CHECK(vcpu_op(VCPUOP_register_vcpu_info, &request) == -X_EINVAL);
	request.offset = 4;
	CHECK(!vcpu_op(VCPUOP_register_vcpu_info, &request));
	info = (void *)(own + 4);
	CHECK(info->evtchn_upcall_pending == 1 && info->evtchn_pending_sel == ~0u);
	CHECK(system_time() >= before);
	info->evtchn_upcall_pending = 0;
	info->evtchn_pending_sel = 0;
	shared->vcpu_info[0].evtchn_pending_sel = 0;
	CHECK(!event_op(EVTCHNOP_send, &send));
	CHECK(info->evtchn_upcall_pending == 1 && info->evtchn_pending_sel == 1u << port / 32);
	CHECK(!shared->vcpu_info[0].evtchn_pending_sel);
	close_port(port);
}
