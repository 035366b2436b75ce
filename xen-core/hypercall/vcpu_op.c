/* What a guest does with its vCPUs: memory it shares with us for each, timers, up and down. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "hypercall/argument.h"

#include "domain/clock.h"
#include "event/channel.h"
#include "event/event.h"
#include "hw/timer.h"
#include "sched/sched.h"
#include "vcpu/runstate.h"

#define PERIOD_MIN MILLISECONDS(1) /* faster ticks would keep us from everything else */

/* Once in the life of a vCPU; the page stays pinned. */
static long register_info(struct hypercall *call, struct vcpu *vcpu)
{
	struct vcpu_register_vcpu_info request;
	struct access_pin pin;
	long err = copy_from_guest(call->caller, &request, call->args[2], sizeof(request));

	if (err)
		return err;
	if (request.offset & (vcpu->layout->info_alignment - 1) ||
	    request.offset > PAGE_SIZE - sizeof(struct vcpu_info) || vcpu->info_pin.address)
		return -EINVAL;
	if (access_pin(vcpu->p2m, GFN(request.mfn), &pin))
		return -EINVAL;
	vcpu->info_pin = pin;
	event_vcpu_info_move(vcpu, (void *)((char *)pin.address + request.offset));
	domain_clock_publish(vcpu);
	return 0;
}

/* The linear address is that of now: an area on two pages is kept as its two parts. */
static long register_runstate(struct hypercall *call, struct vcpu *vcpu)
{
	struct vcpu_register_runstate_memory_area request;
	const uint64_t size = vcpu->layout->runstate_size;
	paddr_t part[2] = { 0, 0 };
	uint64_t area;
	uint32_t split;
	long err = copy_from_guest(call->caller, &request, call->args[2], sizeof(request));

	if (err)
		return err;
	area = request.addr.p & hypercall_argument_max(call);
	split = (uint32_t)MIN(size, PAGE_SIZE - (area & (PAGE_SIZE - 1)));
	if (area) {
		err = linear_to_gpa(call->caller, area, LINEAR_WRITE, &part[0]);
		if (!err && split < size)
			err = linear_to_gpa(call->caller, area + split, LINEAR_WRITE, &part[1]);
		if (err)
			return err;
	}
	vcpu->runstate_split = 0;
	vcpu->runstate_area[0] = part[0];
	vcpu->runstate_area[1] = part[1];
	vcpu->runstate_split = area ? split : 0;
	runstate_publish(vcpu);
	return 0;
}

/* A copy for user space; our clock records never change, so it is written just once. */
static long register_time(struct hypercall *call, struct vcpu *vcpu)
{
	struct vcpu_register_time_memory_area request;
	long err = copy_from_guest(call->caller, &request, call->args[2], sizeof(request));
	uint64_t area = request.addr.p & hypercall_argument_max(call);

	if (err || !area)
		return err;
	return copy_to_guest(call->caller, area, &vcpu->info->time, sizeof(vcpu->info->time));
}

static long get_runstate(struct hypercall *call, struct vcpu *vcpu)
{
	struct vcpu_runstate_info info = runstate_read(vcpu);

	info.state_entry_time += vcpu->time_offset;
	return argument_give(call, &shape_runstate, call->args[2], &info, 1);
}

static long set_singleshot(struct hypercall *call, struct vcpu *vcpu)
{
	struct vcpu_set_singleshot_timer request;
	long err = argument_take(call, &shape_singleshot_timer, &request, call->args[2], 1);
	uint64_t at;

	if (err)
		return err;
	at = domain_clock_host_time(vcpu, request.timeout_abs_ns).v;
	if ((request.flags & VCPU_SSHOTTMR_future) && at < clock_now().v)
		return -ETIME;
	event_timer_singleshot(vcpu, NANOS(at));
	return 0;
}

static long set_periodic(struct hypercall *call, struct vcpu *vcpu)
{
	struct vcpu_set_periodic_timer request;
	long err = copy_from_guest(call->caller, &request, call->args[2], sizeof(request));

	if (err)
		return err;
	if (request.period_ns < PERIOD_MIN || request.period_ns > INT64_MAX)
		return -EINVAL;
	event_timer_periodic(vcpu, request.period_ns);
	return 0;
}

static long get_physid(struct hypercall *call, struct vcpu *vcpu)
{
	struct vcpu_get_physid answer = { .phys_id = (uint64_t)vcpu->id << 32 | vcpu->apic_id };

	return copy_to_guest(call->caller, call->args[2], &answer, sizeof(answer));
}

/* One-shot timers belong to the vCPU that asks; periodic ones any of its domain may set: after a suspend one
 * vCPU stops all. */
static long timer_op(struct hypercall *call, struct vcpu *vcpu)
{
	bool own = vcpu == call->caller;

	switch (call->args[0]) {
	case VCPUOP_set_periodic_timer:
		return set_periodic(call, vcpu);
	case VCPUOP_set_singleshot_timer:
		return own ? set_singleshot(call, vcpu) : -EINVAL;
	case VCPUOP_stop_periodic_timer:
		event_timer_periodic(vcpu, 0);
		return 0;
	default:
		if (own)
			event_timer_singleshot(vcpu, NANOS(0));
		return own ? 0 : -EINVAL;
	}
}

/* args: operation, vCPU number, operand. */
long hypercall_vcpu_op(struct hypercall *call)
{
	struct vcpu *vcpu = domain_vcpu(call->caller->domain, call->args[1]);

	if (!vcpu)
		return -ENOENT;
	switch (call->args[0]) {
	case VCPUOP_set_periodic_timer:
	case VCPUOP_stop_periodic_timer:
	case VCPUOP_set_singleshot_timer:
	case VCPUOP_stop_singleshot_timer:
		return timer_op(call, vcpu);
	case VCPUOP_is_up:
		return vcpu->up;
	case VCPUOP_up:
		sched_up(vcpu);
		return 0;
	case VCPUOP_down:
		sched_down(vcpu);
		return 0;
	case VCPUOP_get_runstate_info:
		return get_runstate(call, vcpu);
	case VCPUOP_register_runstate_memory_area:
		return register_runstate(call, vcpu);
	case VCPUOP_register_vcpu_info:
		return register_info(call, vcpu);
	case VCPUOP_register_vcpu_time_memory_area:
		return register_time(call, vcpu);
	case VCPUOP_get_physid:
		return get_physid(call, vcpu);
	default:
		return -ENOSYS;
	}
}
