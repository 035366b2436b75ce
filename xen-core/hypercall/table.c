/* Which hypercall number is served by what, and the way in from a guest's instruction. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "hypercall/hypercall.h"

#include "abi/checkpoint.h"
#include "hypercall/width.h"

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

/* The toolstack's calls have one form only: its programs and dom0's kernel have 64 bits. */
static bool is_wide_only(uint64_t number)
{
	return number == __HYPERVISOR_platform_op || number == __HYPERVISOR_sysctl ||
	       number == __HYPERVISOR_domctl || number == HYPERCALL_CHECKPOINT_OP;
}

long hypercall_dispatch(struct hypercall *call)
{
	if (call->number >= ARRAY_SIZE(handlers) || !handlers[call->number])
		return -ENOSYS;
	if (call->narrow && is_wide_only(call->number))
		return hypercall_refusal(call);
	return handlers[call->number](call);
}

bool hypercall_is_removal(const struct vcpu *vcpu)
{
	return vcpu->regs.rax == __HYPERVISOR_memory_op &&
	       vcpu->regs.rdi == XENMEM_remove_from_physmap;
}

/* Which registers hold the arguments, in their order. */
static const size_t wide_registers[HYPERCALL_ARGS] = {
	offsetof(struct guest_regs, rdi), offsetof(struct guest_regs, rsi),
	offsetof(struct guest_regs, rdx), offsetof(struct guest_regs, r10),
	offsetof(struct guest_regs, r8),
};
static const size_t narrow_registers[HYPERCALL_ARGS] = {
	offsetof(struct guest_regs, rbx), offsetof(struct guest_regs, rcx),
	offsetof(struct guest_regs, rdx), offsetof(struct guest_regs, rsi),
	offsetof(struct guest_regs, rdi),
};

static uint64_t *argument_register(struct vcpu *vcpu, bool narrow, unsigned i)
{
	const size_t *registers = narrow ? narrow_registers : wide_registers;

	return (uint64_t *)(void *)((char *)&vcpu->regs + registers[i]);
}

bool hypercall_from_guest(struct vcpu *vcpu)
{
	enum width width = width_of(vcpu);
	struct hypercall call = { .caller = vcpu, .narrow = width != WIDTH_WIDE };
	uint64_t mask = hypercall_argument_max(&call);
	long result = -EPERM;

	call.number = vcpu->regs.rax & mask;
	for (unsigned i = 0; i < HYPERCALL_ARGS; i++)
		call.args[i] = *argument_register(vcpu, call.narrow, i) & mask;
	if (!vcpu->control.cpl && width != WIDTH_NONE)
		result = hypercall_dispatch(&call);
	if (!call.again) {
		vcpu->regs.rax = (uint64_t)result & mask;
		return true;
	}
	for (unsigned i = 0; i < HYPERCALL_ARGS; i++)
		*argument_register(vcpu, call.narrow, i) = call.args[i] & mask;
	return false;
}
