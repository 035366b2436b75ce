/* What the files of AMD's backend share: a vCPU's control block and the feature bits of this CPU. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_VCPU_SVM_SVM_VCPU_H
#define XEN_CORE_VCPU_SVM_SVM_VCPU_H

#include "vcpu/ops.h"
#include "vcpu/svm/vmcb.h"

struct svm_vcpu {
	struct vmcb *vmcb;
	paddr_t vmcb_address;
	uint64_t asid_generation; /* p2m_flush_generation the ASID was taken under */
	struct cpu *asid_cpu;     /* and the CPU */
	uint64_t debug[4];        /* DR0..DR3 while the vCPU is not loaded */
	uint64_t tsc_aux;
	uint64_t host_tsc_aux;
};

static inline struct svm_vcpu *svm_of(const struct vcpu *vcpu)
{
	return vcpu->backend;
}

extern bool svm_has_next_rip; /* the CPU says where the next instruction is */
extern mfn_t svm_msr_map;     /* two frames: MSRs that the hardware switches do not exit */

/* exit.c: the hardware's words into ours. */
void svm_read_exit(struct vcpu *vcpu, struct vm_exit *exit);

/* entry.S: guest registers in, VMRUN, guest registers out. */
void svm_enter(paddr_t vmcb_address, struct guest_regs *regs);
extern const char svm_left_guest[]; /* where the CPU goes on at an exit */

/* state.c: these go into the ops table as they are. */
void svm_set_control(struct vcpu *vcpu, enum control_register name, uint64_t value);
void svm_get_segment(struct vcpu *vcpu, enum segment_name name, struct segment *segment);
void svm_set_segment(struct vcpu *vcpu, enum segment_name name, const struct segment *segment);
int svm_get_msr(struct vcpu *vcpu, uint32_t index, uint64_t *value);
int svm_set_msr(struct vcpu *vcpu, uint32_t index, uint64_t value);
void svm_get_debug(struct vcpu *vcpu, struct vcpu_debug *debug);
void svm_set_debug(struct vcpu *vcpu, const struct vcpu_debug *debug);

/* FS, GS, LDTR, TR and the syscall MSRs of a loaded vCPU are in the CPU: brings the VMCB up to date. */
void svm_sync_from_cpu(struct vcpu *vcpu);

/* asid.c */
void svm_asid_init(struct cpu *cpu, uint32_t count);
void svm_asid_refresh(struct vcpu *vcpu);

#endif
