/* What a vCPU is interrupted with at its next entry: event upcall first, then its local APIC. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/domain.h"
#include "event/event.h"
#include "hw/cpu.h"
#include "run/exit.h"
#include "vcpu/ops.h"

/* The callback is injected as a bare vector: the local APIC does not know of it, so it needs no EOI. */
static int callback_pending(const struct vcpu *vcpu)
{
	uint8_t vector = vcpu->domain->callback_vector;

	return vector && event_upcall_pending(vcpu) ? vector : -1;
}

bool inject_has_work(const struct vcpu *vcpu)
{
	return callback_pending(vcpu) >= 0 || vlapic_pending(vcpu) >= 0 || vcpu->nmi_pending;
}

static bool can_interrupt(const struct vcpu *vcpu)
{
	return (vcpu->regs.rflags & RFLAGS_IF) && !vcpu->control.interrupt_shadow;
}

static void inject_vector(struct vcpu *vcpu, enum event_kind kind, uint8_t vector)
{
	vcpu_ops->inject(vcpu, &(struct injection){ .kind = kind, .vector = vector });
}

void inject_pending(struct vcpu *vcpu)
{
	int callback = callback_pending(vcpu);
	int vector = callback >= 0 ? callback : vlapic_pending(vcpu);

	if (vcpu->nmi_pending && !vcpu_ops->has_injection(vcpu)) {
		vcpu->nmi_pending = false;
		inject_vector(vcpu, EVENT_NMI, 2);
	}
	if (vector >= 0 && can_interrupt(vcpu) && !vcpu_ops->has_injection(vcpu)) {
		if (callback < 0)
			vlapic_take(vcpu, (uint8_t)vector);
		inject_vector(vcpu, EVENT_INTERRUPT, (uint8_t)vector);
		vector = -1;
	}
	vcpu_ops->want_window(vcpu, vector >= 0);
}
