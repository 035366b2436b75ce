/* Reading an SVM exit: AMD's codes and their extra words become an exit record. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "vcpu/svm/svm_vcpu.h"

#define NPF_PRESENT BIT(0)
#define NPF_WRITE   BIT(1)
#define NPF_FETCH   BIT(4)
#define NPF_IN_WALK BIT(33)

#define IOIO_IN         BIT(0)
#define IOIO_STRING     BIT(2)
#define IOIO_REPEAT     BIT(3)
#define IOIO_SIZE_SHIFT 4

static const enum exit_kind kinds[] = {
	[VMEXIT_INTR] = EXIT_INTERRUPT,
	[VMEXIT_NMI] = EXIT_NMI,
	[VMEXIT_VINTR] = EXIT_INTERRUPT_WINDOW,
	[VMEXIT_CPUID] = EXIT_CPUID,
	[VMEXIT_INVD] = EXIT_SKIP,
	[VMEXIT_HLT] = EXIT_HLT,
	[VMEXIT_INVLPGA] = EXIT_UNDEFINED,
	[VMEXIT_IOIO] = EXIT_PORT,
	[VMEXIT_MSR] = EXIT_MSR,
	[VMEXIT_SHUTDOWN] = EXIT_SHUTDOWN,
	[VMEXIT_VMRUN] = EXIT_UNDEFINED,
	[VMEXIT_VMMCALL] = EXIT_HYPERCALL,
	[VMEXIT_VMLOAD] = EXIT_UNDEFINED,
	[VMEXIT_VMSAVE] = EXIT_UNDEFINED,
	[VMEXIT_STGI] = EXIT_UNDEFINED,
	[VMEXIT_CLGI] = EXIT_UNDEFINED,
	[VMEXIT_SKINIT] = EXIT_UNDEFINED,
	[VMEXIT_MONITOR] = EXIT_UNDEFINED,
	[VMEXIT_MWAIT] = EXIT_UNDEFINED,
	[VMEXIT_MWAIT_ARMED] = EXIT_UNDEFINED,
	[VMEXIT_XSETBV] = EXIT_XSETBV,
};

static enum exit_kind kind_of(uint64_t code)
{
	if (code == VMEXIT_NPF)
		return EXIT_NESTED_FAULT;
	if (code >= VMEXIT_EXCEPTION_FIRST && code <= VMEXIT_EXCEPTION_LAST)
		return EXIT_EXCEPTION;
	if (code >= ARRAY_SIZE(kinds) || (!kinds[code] && code != VMEXIT_INTR))
		return EXIT_BROKEN;
	return kinds[code];
}

static void read_port(const struct vmcb *vmcb, struct vm_exit *exit)
{
	uint64_t info = vmcb->exit_info1;

	exit->port = (struct port_access){
		.port = (uint16_t)(info >> 16),
		.size = (uint8_t)(info >> IOIO_SIZE_SHIFT & 7),
		.in = info & IOIO_IN,
		.string = info & IOIO_STRING,
		.repeat = info & IOIO_REPEAT,
	};
	exit->length = (uint8_t)(vmcb->exit_info2 - vmcb->rip);
}

static void read_nested_fault(const struct vmcb *vmcb, struct vm_exit *exit)
{
	exit->fault = (struct nested_fault){
		.address = vmcb->exit_info2,
		.write = vmcb->exit_info1 & NPF_WRITE,
		.fetch = vmcb->exit_info1 & NPF_FETCH,
		.present = vmcb->exit_info1 & NPF_PRESENT,
		.in_walk = vmcb->exit_info1 & NPF_IN_WALK,
	};
}

static void read_msr(const struct vcpu *vcpu, const struct vmcb *vmcb, struct vm_exit *exit)
{
	exit->msr = (struct msr_access){
		.index = (uint32_t)vcpu->regs.rcx,
		.write = vmcb->exit_info1 & 1,
		.value = vcpu->regs.rdx << 32 | (uint32_t)vcpu->regs.rax,
	};
}

static void read_exception(const struct vmcb *vmcb, struct vm_exit *exit)
{
	exit->exception.vector = (uint8_t)(vmcb->exit_code - VMEXIT_EXCEPTION_FIRST);
	exit->exception.has_error = exit->exception.vector == 17; /* #AC; #DB has none */
	exit->exception.error = (uint32_t)vmcb->exit_info1;
}

void svm_read_exit(struct vcpu *vcpu, struct vm_exit *exit)
{
	const struct vmcb *vmcb = svm_of(vcpu)->vmcb;

	*exit = (struct vm_exit){ .kind = kind_of(vmcb->exit_code), .reason = vmcb->exit_code };
	if (svm_has_next_rip && vmcb->next_rip > vmcb->rip)
		exit->length = (uint8_t)(vmcb->next_rip - vmcb->rip);
	if (exit->kind == EXIT_PORT)
		read_port(vmcb, exit);
	else if (exit->kind == EXIT_NESTED_FAULT)
		read_nested_fault(vmcb, exit);
	else if (exit->kind == EXIT_MSR)
		read_msr(vcpu, vmcb, exit);
	else if (exit->kind == EXIT_EXCEPTION)
		read_exception(vmcb, exit);
}
