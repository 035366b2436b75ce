/* Local APIC registers, and interprocessor interrupts from vCPU to vCPU: INIT and start-up too. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/domain.h"
#include "hw/cpu.h"
#include "irq/physical.h"
#include "lib/errno.h"
#include "lib/print.h"
#include "run/exit.h"
#include "sched/sched.h"
#include "vcpu/ops.h"

/* INIT: the vCPU stops and waits for a start-up (APM vol. 2, 16.5 and 14.1.3). */
static void init(struct vcpu *target)
{
	sched_pause(target);
	sched_down(target);
	vlapic_reset(target);
	target->waits_for_startup = true;
	sched_unpause(target);
}

static void set_real_mode(struct vcpu *vcpu, uint8_t page)
{
	struct segment data = { .attributes = 0x93, .limit = 0xffff };
	struct segment code = {
		.selector = (uint16_t)(page << 8),
		.attributes = 0x9b,
		.limit = 0xffff,
		.base = (uint64_t)page << PAGE_SHIFT,
	};
	struct segment table = { .limit = 0xffff };

	for (enum segment_name name = SEGMENT_ES; name <= SEGMENT_GS; name++)
		vcpu_ops->set_segment(vcpu, name, name == SEGMENT_CS ? &code : &data);
	vcpu_ops->set_segment(vcpu, SEGMENT_GDTR, &table);
	vcpu_ops->set_segment(vcpu, SEGMENT_IDTR, &table);
	vcpu_ops->set_control(vcpu, CONTROL_CR0, CR0_ET);
	vcpu_ops->set_control(vcpu, CONTROL_CR3, 0);
	vcpu_ops->set_control(vcpu, CONTROL_CR4, 0);
	vcpu_ops->set_control(vcpu, CONTROL_EFER, 0);
	vcpu->regs = (struct guest_regs){ .rflags = RFLAGS_FIXED };
	vcpu->control.interrupt_shadow = false;
}

static void startup(struct vcpu *target, uint8_t page)
{
	if (!target->waits_for_startup || target->up)
		return;
	target->waits_for_startup = false;
	set_real_mode(target, page);
	sched_up(target);
}

static void deliver(struct vcpu *target, const struct ipi *ipi)
{
	switch (ipi->mode) {
	case IPI_FIXED:
	case IPI_LOWEST:
		vlapic_raise(target, ipi->vector);
		break;
	case IPI_NMI:
		target->nmi_pending = true;
		sched_kick(target);
		break;
	case IPI_INIT:
		if (!ipi->deassert)
			init(target);
		break;
	case IPI_STARTUP:
		startup(target, ipi->vector);
		break;
	default:
		log_debug("%ps: IPI of mode %u is not served\n", __builtin_return_address(0),
		          ipi->mode);
	}
}

static bool is_target(const struct vcpu *sender, const struct vcpu *vcpu, const struct ipi *ipi)
{
	switch (ipi->shorthand) {
	case IPI_SELF:
		return vcpu == sender;
	case IPI_ALL:
		return true;
	case IPI_OTHERS:
		return vcpu != sender;
	default:
		return vlapic_matches(vcpu, ipi);
	}
}

static void send(struct vcpu *sender, const struct ipi *ipi)
{
	struct domain *domain = sender->domain;

	for (unsigned i = 0; i < domain->vcpu_count; i++) {
		struct vcpu *vcpu = domain->vcpus[i];

		if (!vcpu || !is_target(sender, vcpu, ipi))
			continue;
		if (vcpu == sender && ipi->mode >= IPI_INIT)
			continue; /* a CPU does not reset itself through its own APIC */
		deliver(vcpu, ipi);
		if (ipi->mode == IPI_LOWEST)
			break;
	}
}

static int write_register(struct vcpu *vcpu, unsigned index, uint64_t value)
{
	struct vlapic_effect effect;
	int err = vlapic_write(vcpu, index, value, &effect);

	if (effect.ended >= 0)
		physical_end(vcpu, (uint8_t)effect.ended);
	if (!err && effect.ipi.wanted)
		send(vcpu, &effect.ipi);
	return err;
}

int lapic_msr(struct vcpu *vcpu, const struct msr_access *msr, uint64_t *value)
{
	unsigned index = msr->index - VLAPIC_MSR_FIRST;

	if (msr->index == MSR_APIC_BASE) {
		*value = vlapic_base(vcpu);
		return msr->write ? vlapic_set_base(vcpu, msr->value) : 0;
	}
	if (!vlapic_is_x2apic(vcpu))
		return -EINVAL;
	return msr->write ? write_register(vcpu, index, msr->value)
	                  : vlapic_read(vcpu, index, value);
}

/* xAPIC registers stand 16 bytes apart; accesses that are not aligned to one do nothing. */
void lapic_mmio(struct vcpu *vcpu, unsigned offset, bool write, uint64_t *value)
{
	if (write && !(offset & 15))
		(void)write_register(vcpu, offset >> 4, *value);
	else if (!write && !(offset & 15))
		(void)vlapic_read(vcpu, offset >> 4, value);
	else if (!write)
		*value = 0;
}
