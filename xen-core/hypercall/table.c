/* Which hypercall number is served by what, and the way in from a guest's instruction. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "hypercall/hypercall.h"

#include "abi/checkpoint.h"
#include "hw/cpu.h"
#include "vcpu/ops.h"

static hypercall_handler *const handlers[] = {
	[__HYPERVISOR_platform_op] = hypercall_platform_op,
	[__HYPERVISOR_memory_op] = hypercall_memory_op,
	[__HYPERVISOR_multicall] = hypercall_multicall,
	[__HYPERVISOR_xen_version] = hypercall_xen_version,
	[__HYPERVISOR_console_io] = hypercall_console_io,
	[__HYPERVISOR_grant_table_op] = hypercall_grant_table_op,
	[__HYPERVISOR_vm_assist] = hypercall_vm_assist,
	[__HYPERVISOR_vcpu_op] = hypercall_vcpu_op,
	[__HYPERVISOR_sched_op] = hypercall_sched_op,
	[__HYPERVISOR_event_channel_op] = hypercall_event_channel_op,
	[__HYPERVISOR_physdev_op] = hypercall_physdev_op,
	[__HYPERVISOR_hvm_op] = hypercall_hvm_op,
	[__HYPERVISOR_sysctl] = hypercall_sysctl,
	[__HYPERVISOR_domctl] = hypercall_domctl,
	[HYPERCALL_CHECKPOINT_OP] = hypercall_checkpoint_op,
};

long hypercall_dispatch(struct hypercall *call)
{
	if (call->number >= ARRAY_SIZE(handlers) || !handlers[call->number])
		return -ENOSYS;
	return handlers[call->number](call);
}

/* 32-bit code passes its arguments in other registers and structures of another layout. */
static bool caller_is_64bit(struct vcpu *vcpu)
{
	struct segment code;

	if (!(vcpu->control.efer & EFER_LMA))
		return false;
	vcpu_ops->get_segment(vcpu, SEGMENT_CS, &code);
	return code.attributes & SEGMENT_LONG;
}

bool hypercall_from_guest(struct vcpu *vcpu)
{
	struct guest_regs *regs = &vcpu->regs;
	struct hypercall call = {
		.caller = vcpu,
		.number = regs->rax,
		.args = { regs->rdi, regs->rsi, regs->rdx, regs->r10, regs->r8 },
	};
	long result;

	if (vcpu->control.cpl) {
		regs->rax = (uint64_t)-EPERM;
		return true;
	}
	if (!caller_is_64bit(vcpu)) {
		regs->rax = (uint32_t)-ENOSYS;
		return true;
	}
	result = hypercall_dispatch(&call);
	if (call.again) {
		regs->rdi = call.args[0];
		regs->rsi = call.args[1];
		regs->rdx = call.args[2];
		regs->r10 = call.args[3];
		regs->r8 = call.args[4];
		return false;
	}
	regs->rax = (uint64_t)result;
	return true;
}
