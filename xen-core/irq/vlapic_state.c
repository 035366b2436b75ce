/* A local APIC into a record and out of it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "irq/vlapic_private.h"
#include "lib/string.h"

/* The timer first: if it fires meanwhile, its vector is seen below. */
void vlapic_save(struct vcpu *vcpu, struct state_lapic *state)
{
	const struct vlapic *lapic = vcpu->lapic;
	uint64_t now = clock_now().v;

	*state = (struct state_lapic){
		.base = lapic->base,
		.icr = lapic->icr,
		.svr = lapic->svr,
		.ldr = lapic->ldr,
		.dfr = lapic->dfr,
		.esr = lapic->esr,
		.icr_high = lapic->icr_high,
		.tpr = vcpu->control.tpr,
		.initial_count = lapic->timer.cpu ? lapic->initial_count : 0,
		.divide = lapic->divide,
		.counted = now > lapic->started.v ? now - lapic->started.v : 0,
	};
	memcpy(state->lvt, lapic->lvt, sizeof(state->lvt));
	for (unsigned i = 0; i < ARRAY_SIZE(lapic->irr); i++) {
		state->irr[i] = __atomic_load_n(&lapic->irr[i], __ATOMIC_SEQ_CST);
		state->isr[i] = lapic->isr[i];
	}
}

void vlapic_load(struct vcpu *vcpu, const struct state_lapic *state)
{
	struct vlapic *lapic = vcpu->lapic;
	uint64_t now = clock_now().v;

	vlapic_reset(vcpu);
	lapic->base = state->base;
	lapic->icr = state->icr;
	lapic->svr = state->svr & 0x1ff;
	lapic->ldr = state->ldr & 0xff000000;
	lapic->dfr = state->dfr | 0x0fffffff;
	lapic->esr = state->esr;
	lapic->icr_high = state->icr_high;
	vcpu->control.tpr = (uint8_t)state->tpr;
	for (unsigned i = 0; i < VLAPIC_LVTS; i++)
		lapic->lvt[i] = state->lvt[i] & (uint32_t)VLAPIC_LVT_WRITABLE;
	for (unsigned i = 0; i < ARRAY_SIZE(lapic->irr); i++) {
		lapic->irr[i] = state->irr[i];
		lapic->isr[i] = state->isr[i];
	}
	lapic->divide = state->divide;
	lapic->initial_count = state->initial_count;
	if (now > state->counted)
		now -= state->counted;
	vlapic_timer_start(lapic, NANOS(now));
}
