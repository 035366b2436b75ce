/* Model-specific registers that exit: those a kernel needs, each with its answer; #GP for the rest. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/errno.h"
#include "vcpu/ops.h"
#include "vcpu/policy.h"

#define MSR_TSC                 0x10
#define MSR_MTRR_CAP            0xfe
#define MSR_MTRR_DEFAULT        0x2ff
#define MTRR_DEFAULT_WRITE_BACK 0x806 /* enabled, all memory write-back */
#define EFER_GUEST_BITS         (EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE | BIT(14) /* FFXSR */)

/* Read as a constant; what a guest writes is ignored where the flag says so, else it gets #GP. */
static const struct constant_msr {
	uint32_t first, last;
	uint64_t value;
	bool ignore_writes;
} constants[] = {
	{ 0x8b, 0x8b, 0x01000065, true }, /* microcode level */
	{ MSR_MTRR_CAP, MSR_MTRR_CAP, 0x508, false },
	{ 0x200, 0x20f, 0, true }, /* MTRRs: none set, so the default holds */
	{ 0x250, 0x250, 0, true },
	{ 0x258, 0x259, 0, true },
	{ 0x268, 0x26f, 0, true },
	{ MSR_MTRR_DEFAULT, MSR_MTRR_DEFAULT, MTRR_DEFAULT_WRITE_BACK, true },
	{ 0x179, 0x17a, 0, true },           /* machine check: no banks */
	{ 0xc0010000, 0xc0010007, 0, true }, /* performance counters: read back 0, none */
	{ 0xc0010010, 0xc0010010, 0, true }, /* SYSCFG */
	{ 0xc0010015, 0xc0010015, 0, true }, /* HWCR */
	{ 0xc001001f, 0xc001001f, 0, true }, /* NB_CFG */
	{ 0xc0010058, 0xc0010058, 0, true },
	{ 0xc0010114, 0xc0010114, 0x10, true }, /* VM_CR: SVM disabled */
	{ 0xc0011029, 0xc0011029, 2, true },    /* DE_CFG: LFENCE serialises */
};

static const struct constant_msr *constant_find(uint32_t index)
{
	for (unsigned i = 0; i < ARRAY_SIZE(constants); i++)
		if (index >= constants[i].first && index <= constants[i].last)
			return &constants[i];
	return NULL;
}

int policy_read_msr(struct vcpu *vcpu, uint32_t index, uint64_t *value)
{
	const struct constant_msr *constant = constant_find(index);

	if (constant) {
		*value = constant->value;
		return 0;
	}
	switch (index) {
	case MSR_TSC:
		*value = rdtsc() + vcpu->tsc_offset;
		return 0;
	case MSR_EFER:
		*value = vcpu->control.efer;
		return 0;
	case MSR_TSC_AUX:
		if (!cpu_has(CPU_RDTSCP))
			return -EINVAL;
		*value = rdmsr(MSR_TSC_AUX);
		return 0;
	default:
		return vcpu_ops->get_msr(vcpu, index, value) ? -EINVAL : 0;
	}
}

static int write_efer(struct vcpu *vcpu, uint64_t value)
{
	uint64_t old = vcpu->control.efer;

	if (value & ~EFER_GUEST_BITS)
		return -EINVAL;
	if ((vcpu->control.cr0 & CR0_PG) && ((value ^ old) & EFER_LME))
		return -EINVAL;
	/* LMA is the CPU's to set, when paging is turned on. */
	vcpu_ops->set_control(vcpu, CONTROL_EFER, (value & ~EFER_LMA) | (old & EFER_LMA));
	return 0;
}

/* Each byte of the PAT is one of the defined memory types. */
bool policy_pat_is_valid(uint64_t value)
{
	for (unsigned i = 0; i < 8; i++) {
		uint8_t type = (uint8_t)(value >> (8 * i));

		if (type > 7 || type == 2 || type == 3)
			return false;
	}
	return true;
}

int policy_write_msr(struct vcpu *vcpu, uint32_t index, uint64_t value)
{
	const struct constant_msr *constant = constant_find(index);

	if (constant)
		return constant->ignore_writes ? 0 : -EINVAL;
	switch (index) {
	case MSR_TSC: /* the Xen clock is what keeps time: the TSC is not a guest's to move */
		return 0;
	case MSR_EFER:
		return write_efer(vcpu, value);
	case MSR_TSC_AUX:
		if (!cpu_has(CPU_RDTSCP) || value >> 32)
			return -EINVAL;
		wrmsr(MSR_TSC_AUX, value);
		return 0;
	case MSR_PAT:
		if (!policy_pat_is_valid(value))
			return -EINVAL;
		return vcpu_ops->set_msr(vcpu, index, value);
	default:
		return vcpu_ops->set_msr(vcpu, index, value) ? -EINVAL : 0;
	}
}
