/* The CPU record: a vCPU's registers in the public ABI's layout. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/hvm_context.h"

#include "domain/clock.h"
#include "hw/cpu.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "sched/sched.h"
#include "vcpu/ops.h"
#include "vcpu/policy.h"
#include "vcpu/xstate.h"

#define MSR_SYSENTER_CS    0x174
#define MSR_SYSENTER_ESP   0x175
#define MSR_SYSENTER_EIP   0x176
#define MSR_STAR           0xc0000081
#define MSR_LSTAR          0xc0000082
#define MSR_CSTAR          0xc0000083
#define MSR_SFMASK         0xc0000084
#define MSR_KERNEL_GS_BASE 0xc0000102

#define EFER_LEGAL (EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE | BIT(14))
#define ATTRIBUTES 0xfff /* a segment's access rights are twelve bits */

/* Where a segment stands in the record. The table registers have no selector and rights. */
struct segment_place {
	enum segment_name name;
	size_t selector, limit, base, rights; /* offsets in the record; 0: not there */
};

#define PLACE(upper, lower)                                                                        \
	{                                                                                          \
		SEGMENT_##upper, offsetof(struct hvm_hw_cpu, lower##_sel),                         \
			offsetof(struct hvm_hw_cpu, lower##_limit),                                \
			offsetof(struct hvm_hw_cpu, lower##_base),                                 \
			offsetof(struct hvm_hw_cpu, lower##_arbytes)                               \
	}

static const struct segment_place places[] = {
	PLACE(CS, cs),
	PLACE(DS, ds),
	PLACE(ES, es),
	PLACE(FS, fs),
	PLACE(GS, gs),
	PLACE(SS, ss),
	PLACE(TR, tr),
	PLACE(LDTR, ldtr),
	{ SEGMENT_GDTR, 0, offsetof(struct hvm_hw_cpu, gdtr_limit),
	  offsetof(struct hvm_hw_cpu, gdtr_base), 0 },
	{ SEGMENT_IDTR, 0, offsetof(struct hvm_hw_cpu, idtr_limit),
	  offsetof(struct hvm_hw_cpu, idtr_base), 0 },
};

/* General registers: the record's order is not ours. */
static const struct register_place {
	size_t ours, record;
} registers[] = {
	{ offsetof(struct guest_regs, rax), offsetof(struct hvm_hw_cpu, rax) },
	{ offsetof(struct guest_regs, rbx), offsetof(struct hvm_hw_cpu, rbx) },
	{ offsetof(struct guest_regs, rcx), offsetof(struct hvm_hw_cpu, rcx) },
	{ offsetof(struct guest_regs, rdx), offsetof(struct hvm_hw_cpu, rdx) },
	{ offsetof(struct guest_regs, rbp), offsetof(struct hvm_hw_cpu, rbp) },
	{ offsetof(struct guest_regs, rsi), offsetof(struct hvm_hw_cpu, rsi) },
	{ offsetof(struct guest_regs, rdi), offsetof(struct hvm_hw_cpu, rdi) },
	{ offsetof(struct guest_regs, rsp), offsetof(struct hvm_hw_cpu, rsp) },
	{ offsetof(struct guest_regs, r8), offsetof(struct hvm_hw_cpu, r8) },
	{ offsetof(struct guest_regs, r9), offsetof(struct hvm_hw_cpu, r9) },
	{ offsetof(struct guest_regs, r10), offsetof(struct hvm_hw_cpu, r10) },
	{ offsetof(struct guest_regs, r11), offsetof(struct hvm_hw_cpu, r11) },
	{ offsetof(struct guest_regs, r12), offsetof(struct hvm_hw_cpu, r12) },
	{ offsetof(struct guest_regs, r13), offsetof(struct hvm_hw_cpu, r13) },
	{ offsetof(struct guest_regs, r14), offsetof(struct hvm_hw_cpu, r14) },
	{ offsetof(struct guest_regs, r15), offsetof(struct hvm_hw_cpu, r15) },
	{ offsetof(struct guest_regs, rip), offsetof(struct hvm_hw_cpu, rip) },
	{ offsetof(struct guest_regs, rflags), offsetof(struct hvm_hw_cpu, rflags) },
};

static const struct msr_place {
	uint32_t index;
	size_t record;
} msrs[] = {
	{ MSR_SYSENTER_CS, offsetof(struct hvm_hw_cpu, sysenter_cs) },
	{ MSR_SYSENTER_ESP, offsetof(struct hvm_hw_cpu, sysenter_esp) },
	{ MSR_SYSENTER_EIP, offsetof(struct hvm_hw_cpu, sysenter_eip) },
	{ MSR_STAR, offsetof(struct hvm_hw_cpu, msr_star) },
	{ MSR_LSTAR, offsetof(struct hvm_hw_cpu, msr_lstar) },
	{ MSR_CSTAR, offsetof(struct hvm_hw_cpu, msr_cstar) },
	{ MSR_SFMASK, offsetof(struct hvm_hw_cpu, msr_syscall_mask) },
	{ MSR_KERNEL_GS_BASE, offsetof(struct hvm_hw_cpu, shadow_gs) },
	{ MSR_TSC_AUX, offsetof(struct hvm_hw_cpu, msr_tsc_aux) },
};

static uint32_t load32(const void *record, size_t offset)
{
	uint32_t value;

	memcpy(&value, (const char *)record + offset, sizeof(value));
	return value;
}

static uint64_t load64(const void *record, size_t offset)
{
	uint64_t value;

	memcpy(&value, (const char *)record + offset, sizeof(value));
	return value;
}

static void store32(void *record, size_t offset, uint32_t value)
{
	memcpy((char *)record + offset, &value, sizeof(value));
}

static void store64(void *record, size_t offset, uint64_t value)
{
	memcpy((char *)record + offset, &value, sizeof(value));
}

static void save_segments(struct vcpu *vcpu, void *record)
{
	for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
		struct segment segment;

		vcpu_ops->get_segment(vcpu, places[i].name, &segment);
		store32(record, places[i].limit, segment.limit);
		store64(record, places[i].base, segment.base);
		if (!places[i].rights)
			continue;
		store32(record, places[i].selector, segment.selector);
		store32(record, places[i].rights, segment.attributes);
	}
}

/* One that is down has no registers to come back to. */
static bool is_up(const struct vcpu *vcpu)
{
	return vcpu->up;
}

static void save_injection(struct vcpu *vcpu, struct hvm_hw_cpu *cpu)
{
	struct injection event;

	if (!vcpu_ops->has_injection(vcpu))
		return;
	event = vcpu_ops->get_injection(vcpu);
	cpu->pending_vector = event.vector;
	cpu->pending_type = (uint8_t)(event.kind & 7);
	cpu->pending_error_valid = event.has_error;
	cpu->pending_valid = 1;
	cpu->error_code = event.error;
}

static void cpu_save(struct vcpu *vcpu, void *record)
{
	struct hvm_hw_cpu *cpu = record;
	struct vcpu_debug debug;

	for (unsigned i = 0; i < ARRAY_SIZE(registers); i++)
		store64(record, registers[i].record, load64(&vcpu->regs, registers[i].ours));
	save_segments(vcpu, record);
	for (unsigned i = 0; i < ARRAY_SIZE(msrs); i++) {
		uint64_t value = 0;

		vcpu_ops->get_msr(vcpu, msrs[i].index, &value);
		store64(record, msrs[i].record, value);
	}
	vcpu_ops->get_debug(vcpu, &debug);
	memcpy(&cpu->dr0, debug.address, sizeof(debug.address));
	cpu->dr6 = debug.status;
	cpu->dr7 = debug.control;
	cpu->cr0 = vcpu->control.cr0;
	cpu->cr2 = vcpu->control.cr2;
	cpu->cr3 = vcpu->control.cr3;
	cpu->cr4 = vcpu->control.cr4;
	cpu->msr_efer = vcpu->control.efer;
	cpu->tsc = rdtsc() + vcpu->tsc_offset;
	save_injection(vcpu, cpu);
	xstate_get_legacy(vcpu, cpu->fpu_regs);
	cpu->flags = XEN_X86_FPU_INITIALISED;
}

/* An interrupt, NMI, exception or software interrupt; an error code only with an exception. */
static bool injection_is_valid(const struct hvm_hw_cpu *cpu)
{
	bool exception = cpu->pending_type == EVENT_EXCEPTION;

	if (!cpu->pending_valid)
		return true;
	if (cpu->pending_type > EVENT_SOFTWARE || cpu->pending_type == 1)
		return false;
	if (exception && (cpu->pending_vector > 31 || cpu->pending_vector == 2))
		return false;
	return exception || !cpu->pending_error_valid;
}

/* What the CPU would refuse to load, or we to serve. */
static int cpu_check(const struct vcpu *vcpu, const void *record)
{
	struct hvm_hw_cpu cpu;

	(void)vcpu;
	memcpy(&cpu, record, sizeof(cpu));
	if ((cpu.cr0 | cpu.cr4 | cpu.dr6 | cpu.dr7) >> 32 || cpu.cr3 >> cpu_address_bits())
		return -EINVAL;
	if ((cpu.cr0 & (CR0_PG | CR0_PE)) == CR0_PG || (cpu.cr0 & (CR0_NW | CR0_CD)) == CR0_NW)
		return -EINVAL;
	if (cpu.msr_efer & ~EFER_LEGAL)
		return -EINVAL;
	if (cpu.cr0 & CR0_PG && cpu.msr_efer & EFER_LME &&
	    (!(cpu.cr4 & CR4_PAE) || !(cpu.msr_efer & EFER_LMA)))
		return -EINVAL;
	if (cpu.flags & ~XEN_X86_FPU_INITIALISED || cpu.msr_tsc_aux >> 32 ||
	    !injection_is_valid(&cpu))
		return -EINVAL;
	for (unsigned i = 0; i < ARRAY_SIZE(places); i++)
		if (places[i].rights && load32(record, places[i].rights) & ~ATTRIBUTES)
			return -EINVAL;
	return 0;
}

static void load_segments(struct vcpu *vcpu, const void *record)
{
	for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
		struct segment segment = {
			.limit = load32(record, places[i].limit),
			.base = load64(record, places[i].base),
		};

		if (places[i].rights) {
			segment.selector = (uint16_t)load32(record, places[i].selector);
			segment.attributes = (uint16_t)load32(record, places[i].rights);
		}
		vcpu_ops->set_segment(vcpu, places[i].name, &segment);
	}
}

static void load_injection(struct vcpu *vcpu, const struct hvm_hw_cpu *cpu)
{
	const struct injection event = {
		.kind = (enum event_kind)cpu->pending_type,
		.vector = cpu->pending_vector,
		.has_error = cpu->pending_error_valid,
		.error = cpu->error_code,
	};

	vcpu_ops->inject(vcpu, cpu->pending_valid ? &event : NULL);
}

/* The first vCPU's TSC is all vCPUs' TSC. A builder, who says 0, leaves it as the machine has it. */
static void load_tsc(struct vcpu *vcpu, uint64_t tsc)
{
	if (tsc && !vcpu->id)
		domain_clock_set_offsets(vcpu->domain, vcpu->time_offset, tsc - rdtsc());
}

static void cpu_load(struct vcpu *vcpu, const void *record)
{
	struct hvm_hw_cpu cpu;
	struct vcpu_debug debug;

	memcpy(&cpu, record, sizeof(cpu));
	for (unsigned i = 0; i < ARRAY_SIZE(registers); i++)
		store64(&vcpu->regs, registers[i].ours, load64(record, registers[i].record));
	vcpu->regs.rflags |= RFLAGS_FIXED;
	load_segments(vcpu, record);
	for (unsigned i = 0; i < ARRAY_SIZE(msrs); i++)
		vcpu_ops->set_msr(vcpu, msrs[i].index, load64(record, msrs[i].record));
	memcpy(debug.address, &cpu.dr0, sizeof(debug.address));
	debug.status = cpu.dr6;
	debug.control = cpu.dr7;
	vcpu_ops->set_debug(vcpu, &debug);
	vcpu_ops->set_control(vcpu, CONTROL_CR0, cpu.cr0 | CR0_ET);
	vcpu_ops->set_control(vcpu, CONTROL_CR2, cpu.cr2);
	vcpu_ops->set_control(vcpu, CONTROL_CR3, cpu.cr3);
	vcpu_ops->set_control(vcpu, CONTROL_CR4, cpu.cr4);
	vcpu_ops->set_control(vcpu, CONTROL_EFER, cpu.msr_efer);
	vcpu->control.interrupt_shadow = false;
	load_injection(vcpu, &cpu);
	load_tsc(vcpu, cpu.tsc);
	if (cpu.flags & XEN_X86_FPU_INITIALISED)
		xstate_set_legacy(vcpu, cpu.fpu_regs);
	else
		xstate_reset(vcpu);
	vcpu->waits_for_startup = false;
	sched_up(vcpu);
}

const struct context_section context_cpu = {
	.typecode = 2,
	.length = sizeof(struct hvm_hw_cpu),
	.applies = is_up,
	.save = cpu_save,
	.check = cpu_check,
	.load = cpu_load,
};
