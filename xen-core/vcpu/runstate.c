/* Where a vCPU's time goes: running, runnable, blocked, offline; the guest's copy of it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "vcpu/runstate.h"

#include "hw/cpu.h"
#include "lib/assert.h"

/* Changes are serialised by the caller (the scheduler's lock); readers look at the version. */
void runstate_change(struct vcpu *vcpu, int state, nanos_t now)
{
	struct vcpu_runstate_info *info = &vcpu->runstate;

	ASSERT((unsigned)state < ARRAY_SIZE(info->time));
	__atomic_store_n(&vcpu->runstate_version, vcpu->runstate_version + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	if (now.v > info->state_entry_time) {
		info->time[info->state] += now.v - info->state_entry_time;
		info->state_entry_time = now.v;
	}
	info->state = state;
	__atomic_store_n(&vcpu->runstate_version, vcpu->runstate_version + 1, __ATOMIC_RELEASE);
}

static struct vcpu_runstate_info snapshot(const struct vcpu *vcpu)
{
	struct vcpu_runstate_info copy;
	uint32_t version;

	do {
		version = __atomic_load_n(&vcpu->runstate_version, __ATOMIC_ACQUIRE);
		copy = *(const volatile struct vcpu_runstate_info *)&vcpu->runstate;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (version & 1)
			cpu_relax();
	} while (version & 1 ||
	         version != __atomic_load_n(&vcpu->runstate_version, __ATOMIC_RELAXED));
	return copy;
}

struct vcpu_runstate_info runstate_read(struct vcpu *vcpu)
{
	struct vcpu_runstate_info info = snapshot(vcpu);
	nanos_t now = clock_now();

	if (now.v > info.state_entry_time)
		info.time[info.state] += now.v - info.state_entry_time;
	return info;
}

/* Into the registered area, which may lie on two pages. A page that is gone is the guest's loss. */
static void area_write(struct vcpu *vcpu, size_t offset, const void *from, size_t length)
{
	const char *bytes = from;
	size_t split = vcpu->runstate_split;
	size_t first = offset < split ? MIN(length, split - offset) : 0;

	if (first)
		access_write(vcpu->p2m, vcpu->runstate_area[0] + offset, bytes, first);
	if (length > first)
		access_write(vcpu->p2m, vcpu->runstate_area[1] + (offset + first - split),
		             bytes + first, length - first);
}

static void area_write_time(struct vcpu *vcpu, const struct shared_layout *layout,
                            uint64_t entry_time)
{
	area_write(vcpu, layout->runstate_entry, &entry_time, sizeof(entry_time));
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void runstate_publish(struct vcpu *vcpu)
{
	const struct shared_layout *layout = vcpu->layout;
	uint8_t area[RUNSTATE_SIZE_MAX];
	struct vcpu_runstate_info info;
	uint64_t entry_time;

	if (!vcpu->runstate_split)
		return;
	info = snapshot(vcpu);
	info.state_entry_time += vcpu->time_offset;
	entry_time = info.state_entry_time;
	if (vcpu->runstate_update_flag) {
		info.state_entry_time |= XEN_RUNSTATE_UPDATE;
		area_write_time(vcpu, layout, info.state_entry_time);
	}
	layout->runstate(area, &info);
	area_write(vcpu, 0, area, layout->runstate_size);
	if (vcpu->runstate_update_flag) {
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		area_write_time(vcpu, layout, entry_time);
	}
}
