/* Faults of the hypervisor itself: what they are called, and the report that ends its run. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_HW_FAULT_H
#define XEN_CORE_HW_FAULT_H

#include "lib/types.h"

struct trap_frame;

enum {
	EXCEPTION_NMI = 2,
	EXCEPTION_DF = 8,
	EXCEPTION_GP = 13,
	EXCEPTION_PF = 14,
	EXCEPTION_MC = 18,
};

/* Nothing to do with the instruction it hit, or no way back to it. */
bool fault_is_hopeless(uint64_t vector);

/* A panic with all that is known: registers, the page fault's address and reason, a backtrace. */
void fault_report(const struct trap_frame *frame) __attribute__((noreturn));

#endif
