/* The width of the calling code, and the moments at which it decides the layout of shared memory. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "hypercall/width.h"

#include "domain/domain.h"
#include "event/event.h"
#include "hw/cpu.h"
#include "vcpu/ops.h"

enum width width_of(struct vcpu *vcpu)
{
	struct segment code;

	if (!(vcpu->control.cr0 & CR0_PE))
		return WIDTH_NONE;
	if (!(vcpu->control.efer & EFER_LMA))
		return WIDTH_NARROW;
	vcpu_ops->get_segment(vcpu, SEGMENT_CS, &code);
	return code.attributes & SEGMENT_LONG ? WIDTH_WIDE : WIDTH_NARROW;
}

void width_latch(struct vcpu *caller)
{
	event_layout_change(caller->domain,
	                    width_of(caller) == WIDTH_WIDE ? &layout_wide : &layout_narrow);
}
