/* A local APIC's registers, as the files of this folder see them. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_IRQ_VLAPIC_PRIVATE_H
#define XEN_CORE_IRQ_VLAPIC_PRIVATE_H

#include "irq/vlapic.h"

#define VLAPIC_LVTS         6
#define VLAPIC_LVT_TIMER    0
#define VLAPIC_LVT_WRITABLE 0x310ffUL

/* Bits are set in irr by any CPU, atomically; all else is the vCPU's own, on its CPU. */
struct vlapic {
	uint64_t base;
	uint32_t svr, ldr, dfr, esr, icr_high;
	uint64_t icr;
	uint32_t lvt[VLAPIC_LVTS];
	unsigned long irr[4], isr[4];
	struct timer timer; /* counts at 1 GHz over the divider */
	uint32_t initial_count, divide;
	nanos_t started;
	struct vcpu *vcpu;
};

/* As if the initial count had been written at that time. */
void vlapic_timer_start(struct vlapic *lapic, nanos_t from);

#endif
