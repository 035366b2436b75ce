/* Whether the kernel that calls has 32 or 64 bits, and what follows from it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_HYPERCALL_WIDTH_H
#define XEN_CORE_HYPERCALL_WIDTH_H

#include "vcpu/vcpu.h"

enum width {
	WIDTH_NONE, /* real mode: makes no hypercalls */
	WIDTH_NARROW,
	WIDTH_WIDE,
};

/* Of the code that the vCPU runs now; compatibility mode under a 64-bit kernel is narrow. */
enum width width_of(struct vcpu *vcpu);

/*
 * The caller does one of the first things that any kernel does: its width is that of its domain's shared
 * memory from here on. Stays as it was if the domain has ports that would be lost by it.
 */
void width_latch(struct vcpu *caller);

#endif
