/* A paused domain's registers, in and out. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "hypercall/domctl.h"

#include "checkpoint/hvm_context.h"
#include "hw/cpu.h"
#include "mm/heap.h"
#include "vcpu/ops.h"

#define CONTEXT_MAX KIB(512) /* of a buffer that is handed in */

/* The domain stands still with its registers in memory until domain_unpause. */
static long hold(struct hypercall *call, struct domain *domain)
{
	if (domain == call->caller->domain)
		return -EINVAL;
	for (unsigned i = 0; i < domain->vcpu_count; i++)
		if (!domain->vcpus[i])
			return -EINVAL;
	domain_stop(domain);
	return 0;
}

/* Without a buffer: how large it has to be. */
long domctl_gethvmcontext(struct hypercall *call, struct xen_domctl *op, struct domain *domain)
{
	uint64_t to = (uint64_t)(uintptr_t)op->u.hvmcontext.buffer.p;
	size_t size = hvm_context_size(domain);
	void *buffer;
	long err;

	if (!to) {
		op->u.hvmcontext.size = (uint32_t)size;
		return 0;
	}
	if (op->u.hvmcontext.size < size)
		return -ENOSPC;
	buffer = heap_alloc(size);
	if (!buffer)
		return -ENOMEM;
	err = hold(call, domain);
	if (!err) {
		size = hvm_context_save(domain, buffer);
		domain_unpause(domain);
		op->u.hvmcontext.size = (uint32_t)size;
		err = copy_to_guest(call->caller, to, buffer, size);
	}
	heap_free(buffer);
	return err;
}

long domctl_sethvmcontext(struct hypercall *call, struct xen_domctl *op, struct domain *domain)
{
	uint64_t from = (uint64_t)(uintptr_t)op->u.hvmcontext.buffer.p;
	size_t size = op->u.hvmcontext.size;
	void *buffer;
	long err;

	if (!size || size > CONTEXT_MAX)
		return -EINVAL;
	buffer = heap_alloc(size);
	if (!buffer)
		return -ENOMEM;
	err = copy_from_guest(call->caller, buffer, from, size);
	if (!err)
		err = hold(call, domain);
	if (!err) {
		err = hvm_context_load(domain, buffer, size);
		domain_unpause(domain);
	}
	heap_free(buffer);
	return err;
}

/* Of this record only the general registers are state here: what is asked for is to change the result of
 * a suspend. The rest shows where the vCPU stands. */
#define PLACE(name)                                                                                \
	{                                                                                          \
		offsetof(struct guest_regs, name), offsetof(struct cpu_user_regs, name)            \
	}
static const struct register_place {
	size_t ours, record;
} registers[] = {
	PLACE(rax), PLACE(rbx), PLACE(rcx), PLACE(rdx), PLACE(rsi),    PLACE(rdi),
	PLACE(rbp), PLACE(rsp), PLACE(rip), PLACE(r8),  PLACE(rflags), PLACE(r9),
	PLACE(r10), PLACE(r11), PLACE(r12), PLACE(r13), PLACE(r14),    PLACE(r15),
};

static uint64_t *word_at(void *structure, size_t offset)
{
	return (uint64_t *)(void *)((char *)structure + offset);
}

static void registers_save(struct vcpu *vcpu, vcpu_guest_context_t *context)
{
	struct cpu_user_regs *to = &context->user_regs;
	struct segment segment;

	for (unsigned i = 0; i < ARRAY_SIZE(registers); i++)
		*word_at(to, registers[i].record) = *word_at(&vcpu->regs, registers[i].ours);
	vcpu_ops->get_segment(vcpu, SEGMENT_CS, &segment);
	to->cs = segment.selector;
	vcpu_ops->get_segment(vcpu, SEGMENT_SS, &segment);
	to->ss = segment.selector;
	context->flags = vcpu->up ? VGCF_online : 0;
	context->ctrlreg[0] = vcpu->control.cr0;
	context->ctrlreg[2] = vcpu->control.cr2;
	context->ctrlreg[3] = vcpu->control.cr3;
	context->ctrlreg[4] = vcpu->control.cr4;
}

static void registers_load(struct vcpu *vcpu, vcpu_guest_context_t *context)
{
	for (unsigned i = 0; i < ARRAY_SIZE(registers); i++)
		*word_at(&vcpu->regs, registers[i].ours) = *word_at(&context->user_regs,
		                                                    registers[i].record);
	vcpu->regs.rflags |= RFLAGS_FIXED;
}

static long vcpu_context(struct hypercall *call, struct xen_domctl *op, struct domain *domain,
                         bool set)
{
	uint64_t address = (uint64_t)(uintptr_t)op->u.vcpucontext.ctxt.p;
	struct vcpu *vcpu = domain_vcpu(domain, op->u.vcpucontext.vcpu);
	vcpu_guest_context_t *context;
	long err = 0;

	if (!vcpu)
		return -ESRCH;
	context = heap_alloc(sizeof(*context));
	if (!context)
		return -ENOMEM;
	if (set)
		err = copy_from_guest(call->caller, context, address, sizeof(*context));
	if (!err)
		err = hold(call, domain);
	if (!err) {
		if (set)
			registers_load(vcpu, context);
		else
			registers_save(vcpu, context);
		domain_unpause(domain);
		if (!set)
			err = copy_to_guest(call->caller, address, context, sizeof(*context));
	}
	heap_free(context);
	return err;
}

long domctl_getvcpucontext(struct hypercall *call, struct xen_domctl *op, struct domain *domain)
{
	return vcpu_context(call, op, domain, false);
}

long domctl_setvcpucontext(struct hypercall *call, struct xen_domctl *op, struct domain *domain)
{
	return vcpu_context(call, op, domain, true);
}
