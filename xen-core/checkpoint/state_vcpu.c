/* A vCPU's registers, shared memory and timers into a record and out of it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/state_vcpu.h"

#include "domain/clock.h"
#include "event/channel.h"
#include "hw/cpu.h"
#include "lib/string.h"
#include "vcpu/ops.h"
#include "vcpu/policy.h"
#include "vcpu/runstate.h"

/* As the record has them in order. */
static const uint32_t msrs[STATE_MSRS] = {
	0x174,      0x175,      0x176,      0xc0000081, 0xc0000082,
	0xc0000083, 0xc0000084, 0xc0000102, MSR_PAT,    MSR_TSC_AUX,
};

_Static_assert(sizeof(struct guest_regs) == sizeof(((struct state_vcpu *)NULL)->regs), "registers");
_Static_assert(SEGMENT_NAMES == STATE_SEGMENTS, "segments");

static void save_injection(struct vcpu *vcpu, struct state_vcpu *to)
{
	struct injection event;

	if (!vcpu_ops->has_injection(vcpu))
		return;
	event = vcpu_ops->get_injection(vcpu);
	to->flags |= STATE_VCPU_INJECTION;
	to->injection_kind = (uint8_t)event.kind;
	to->injection_vector = event.vector;
	to->injection_flags = event.has_error ? STATE_INJECTION_ERROR : 0;
	to->injection_error = event.error;
}

static void save_registers(struct vcpu *vcpu, struct state_vcpu *to)
{
	struct vcpu_debug debug;

	memcpy(to->regs, &vcpu->regs, sizeof(to->regs));
	to->cr0 = vcpu->control.cr0;
	to->cr2 = vcpu->control.cr2;
	to->cr3 = vcpu->control.cr3;
	to->cr4 = vcpu->control.cr4;
	to->efer = vcpu->control.efer;
	for (unsigned i = 0; i < STATE_SEGMENTS; i++) {
		struct segment segment;

		vcpu_ops->get_segment(vcpu, (enum segment_name)i, &segment);
		to->segments[i] = (struct state_segment){ segment.selector, segment.attributes,
			                                  segment.limit, segment.base };
	}
	for (unsigned i = 0; i < STATE_MSRS; i++)
		vcpu_ops->get_msr(vcpu, msrs[i], &to->msrs[i]);
	vcpu_ops->get_debug(vcpu, &debug);
	memcpy(to->debug, debug.address, sizeof(debug.address));
	to->debug[4] = debug.status;
	to->debug[5] = debug.control;
}

/* 0: it is not set. One that fires at this moment may not have raised its event yet, so it counts as set. */
static uint64_t guest_time(const struct vcpu *vcpu, const struct timer *timer)
{
	bool is_set = __atomic_load_n(&timer->cpu, __ATOMIC_SEQ_CST) ||
	              __atomic_load_n(&timer->firing, __ATOMIC_SEQ_CST);

	return is_set ? timer->expires.v + vcpu->time_offset : 0;
}

void state_vcpu_save(struct vcpu *vcpu, struct state_vcpu *to)
{
	struct vcpu_runstate_info runstate = runstate_read(vcpu);

	to->flags = (vcpu->up ? STATE_VCPU_UP : 0) |
	            (vcpu->waits_for_startup ? STATE_VCPU_STARTABLE : 0) |
	            (vcpu->nmi_pending ? STATE_VCPU_NMI : 0) |
	            (vcpu->control.interrupt_shadow ? STATE_VCPU_SHADOW : 0);
	save_registers(vcpu, to);
	save_injection(vcpu, to);
	to->info_gfn = STATE_NO_GFN;
	if (vcpu->info_pin.address) {
		to->info_gfn = vcpu->info_pin.gfn.v;
		to->info_offset = (uintptr_t)vcpu->info & (PAGE_SIZE - 1);
	}
	to->runstate_split = vcpu->runstate_split;
	memcpy(to->runstate_area, vcpu->runstate_area, sizeof(to->runstate_area));
	memcpy(to->runstate_times, runstate.time, sizeof(to->runstate_times));
	to->singleshot = guest_time(vcpu, &vcpu->singleshot);
	to->period = vcpu->period;
	to->periodic = guest_time(vcpu, &vcpu->periodic);
}

static void load_injection(struct vcpu *vcpu, const struct state_vcpu *from)
{
	const struct injection event = {
		.kind = (enum event_kind)from->injection_kind,
		.vector = from->injection_vector,
		.has_error = from->injection_flags & STATE_INJECTION_ERROR,
		.error = from->injection_error,
	};

	vcpu_ops->inject(vcpu, from->flags & STATE_VCPU_INJECTION ? &event : NULL);
}

static void load_control(struct vcpu *vcpu, const struct state_vcpu *from)
{
	vcpu_ops->set_control(vcpu, CONTROL_CR0, from->cr0 | CR0_ET);
	vcpu_ops->set_control(vcpu, CONTROL_CR2, from->cr2);
	vcpu_ops->set_control(vcpu, CONTROL_CR3, from->cr3);
	vcpu_ops->set_control(vcpu, CONTROL_CR4, from->cr4);
	vcpu_ops->set_control(vcpu, CONTROL_EFER, from->efer);
}

void state_vcpu_load(struct vcpu *vcpu, const struct state_vcpu *from)
{
	struct vcpu_debug debug = { .status = from->debug[4], .control = from->debug[5] };

	memcpy(&vcpu->regs, from->regs, sizeof(from->regs));
	vcpu->regs.rflags |= RFLAGS_FIXED;
	for (unsigned i = 0; i < STATE_SEGMENTS; i++) {
		const struct state_segment *segment = &from->segments[i];

		vcpu_ops->set_segment(vcpu, (enum segment_name)i,
		                      &(struct segment){ segment->selector, segment->attributes,
		                                         segment->limit, segment->base });
	}
	for (unsigned i = 0; i < STATE_MSRS; i++)
		vcpu_ops->set_msr(vcpu, msrs[i], from->msrs[i]);
	memcpy(debug.address, from->debug, sizeof(debug.address));
	vcpu_ops->set_debug(vcpu, &debug);
	load_control(vcpu, from);
	load_injection(vcpu, from);
	vcpu->control.interrupt_shadow = from->flags & STATE_VCPU_SHADOW;
	vcpu->nmi_pending = from->flags & STATE_VCPU_NMI;
	vcpu->waits_for_startup = from->flags & STATE_VCPU_STARTABLE;
	for (unsigned i = 0; i < ARRAY_SIZE(from->runstate_times); i++)
		vcpu->runstate.time[i] = from->runstate_times[i];
	memcpy(vcpu->runstate_area, from->runstate_area, sizeof(from->runstate_area));
	vcpu->runstate_split = from->runstate_split;
}

/* The page has come with its contents: nothing is carried over from the place before. */
int state_vcpu_load_info(struct vcpu *vcpu, const struct state_vcpu *from)
{
	struct shared_info *shared = vcpu->domain->shared_info;
	struct access_pin pin, before = vcpu->info_pin;
	int err;

	vcpu->info_pin = (struct access_pin){ .mfn = MFN_NONE };
	vcpu->info = vcpu->id < XEN_LEGACY_MAX_VCPUS ? &shared->vcpu_info[vcpu->id]
	                                             : &vcpu->early_info;
	access_unpin(&before);
	if (from->info_gfn == STATE_NO_GFN)
		return 0;
	err = access_pin(vcpu->p2m, GFN(from->info_gfn), &pin);
	if (err)
		return err;
	vcpu->info_pin = pin;
	vcpu->info = (void *)((char *)pin.address + from->info_offset);
	return 0;
}

void state_vcpu_load_timers(struct vcpu *vcpu, const struct state_vcpu *from)
{
	event_timer_periodic(vcpu, 0);
	event_timer_singleshot(vcpu, from->singleshot
	                                     ? domain_clock_host_time(vcpu, from->singleshot)
	                                     : NANOS(0));
	if (from->periodic && from->period)
		event_timer_periodic(vcpu, MAX(from->period, MILLISECONDS(1)));
}
