/* A vCPU's registers in its VMCB: control registers, segments, switched MSRs, debug registers. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "hw/cpu.h"
#include "hw/percpu.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "vcpu/svm/svm_vcpu.h"

void svm_set_control(struct vcpu *vcpu, enum control_register name, uint64_t value)
{
	struct vmcb *vmcb = svm_of(vcpu)->vmcb;

	switch (name) {
	case CONTROL_CR0:
		vmcb->cr0 = vcpu->control.cr0 = value;
		break;
	case CONTROL_CR2:
		vmcb->cr2 = vcpu->control.cr2 = value;
		break;
	case CONTROL_CR3:
		vmcb->cr3 = vcpu->control.cr3 = value;
		break;
	case CONTROL_CR4:
		vmcb->cr4 = vcpu->control.cr4 = value;
		break;
	case CONTROL_EFER:
		vcpu->control.efer = value;
		vmcb->efer = value | EFER_SVME;
		break;
	}
	svm_of(vcpu)->asid_cpu = NULL; /* translations made under the old value */
}

static struct vmcb_segment *segment_of(struct vmcb *vmcb, enum segment_name name)
{
	struct vmcb_segment *const all[SEGMENT_NAMES] = {
		[SEGMENT_ES] = &vmcb->es,     [SEGMENT_CS] = &vmcb->cs,
		[SEGMENT_SS] = &vmcb->ss,     [SEGMENT_DS] = &vmcb->ds,
		[SEGMENT_FS] = &vmcb->fs,     [SEGMENT_GS] = &vmcb->gs,
		[SEGMENT_LDTR] = &vmcb->ldtr, [SEGMENT_TR] = &vmcb->tr,
		[SEGMENT_GDTR] = &vmcb->gdtr, [SEGMENT_IDTR] = &vmcb->idtr,
	};

	return all[name];
}

/* FS, GS, LDTR, TR and the syscall MSRs of a loaded vCPU are in the CPU: fetch, change, put back. */
void svm_sync_from_cpu(struct vcpu *vcpu)
{
	if (this_cpu()->loaded == vcpu)
		asm volatile("vmsave %%rax" ::"a"(svm_of(vcpu)->vmcb_address) : "memory");
}

static void sync_to_cpu(struct vcpu *vcpu)
{
	if (this_cpu()->loaded == vcpu)
		asm volatile("vmload %%rax" ::"a"(svm_of(vcpu)->vmcb_address) : "memory");
}

void svm_get_segment(struct vcpu *vcpu, enum segment_name name, struct segment *segment)
{
	struct vmcb_segment *from = segment_of(svm_of(vcpu)->vmcb, name);

	if (name >= SEGMENT_FS && name <= SEGMENT_TR)
		svm_sync_from_cpu(vcpu);
	*segment = (struct segment){ from->selector, from->attributes, from->limit, from->base };
}

void svm_set_segment(struct vcpu *vcpu, enum segment_name name, const struct segment *segment)
{
	svm_sync_from_cpu(vcpu);
	*segment_of(svm_of(vcpu)->vmcb,
	            name) = (struct vmcb_segment){ segment->selector, segment->attributes,
		                                   segment->limit, segment->base };
	if (name == SEGMENT_SS)
		vcpu->control.cpl = segment->attributes >> 5 & 3;
	sync_to_cpu(vcpu);
}

/* TSC_AUX of a loaded vCPU is the CPU's own: policy_read_msr knows. */
static uint64_t *msr_slot(struct svm_vcpu *svm, uint32_t index)
{
	struct vmcb *vmcb = svm->vmcb;

	switch (index) {
	case 0x174:
		return &vmcb->sysenter_cs;
	case 0x175:
		return &vmcb->sysenter_esp;
	case 0x176:
		return &vmcb->sysenter_eip;
	case 0x277:
		return &vmcb->pat;
	case 0xc0000081:
		return &vmcb->star;
	case 0xc0000082:
		return &vmcb->lstar;
	case 0xc0000083:
		return &vmcb->cstar;
	case 0xc0000084:
		return &vmcb->sfmask;
	case 0xc0000102:
		return &vmcb->kernel_gs_base;
	case MSR_TSC_AUX:
		return &svm->tsc_aux;
	default:
		return NULL;
	}
}

int svm_get_msr(struct vcpu *vcpu, uint32_t index, uint64_t *value)
{
	uint64_t *slot = msr_slot(svm_of(vcpu), index);

	if (!slot)
		return -ENOENT;
	svm_sync_from_cpu(vcpu);
	*value = *slot;
	return 0;
}

int svm_set_msr(struct vcpu *vcpu, uint32_t index, uint64_t value)
{
	uint64_t *slot = msr_slot(svm_of(vcpu), index);

	if (!slot)
		return -ENOENT;
	svm_sync_from_cpu(vcpu);
	*slot = value;
	sync_to_cpu(vcpu);
	return 0;
}

void svm_get_debug(struct vcpu *vcpu, struct vcpu_debug *debug)
{
	const struct svm_vcpu *svm = svm_of(vcpu);

	memcpy(debug->address, svm->debug, sizeof(debug->address));
	debug->status = svm->vmcb->dr6;
	debug->control = svm->vmcb->dr7;
}

void svm_set_debug(struct vcpu *vcpu, const struct vcpu_debug *debug)
{
	struct svm_vcpu *svm = svm_of(vcpu);

	memcpy(svm->debug, debug->address, sizeof(svm->debug));
	svm->vmcb->dr6 = debug->status;
	svm->vmcb->dr7 = debug->control;
}
