/* The hypervisor's own exceptions and interrupts: IDT, fault dumps, who serves a vector. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_HW_INTERRUPT_H
#define XEN_CORE_HW_INTERRUPT_H

#include "lib/types.h"

struct trap_frame {
	uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	uint64_t vector, error;
	uint64_t rip, cs, rflags, rsp, ss;
};

void interrupt_init(void);     /* boot CPU: build the IDT */
void interrupt_cpu_init(void); /* each CPU: GDT, TSS with the interrupt stacks, IDT */

/* Serves one of our vectors (>= VECTOR_FIRST_OWN). The handler runs with interrupts off; the
 * caller sends the EOI before it. */
void interrupt_register(uint8_t vector, void (*handler)(void));

/* Takes every vector from 0x20 below VECTOR_FIRST_OWN (devices of dom0); does the EOI itself. */
void interrupt_set_device_sink(void (*sink)(uint8_t vector));

/*
 * While a guest's TR is loaded the interrupt stacks cannot be used: the table without them is
 * loaded before the first guest entry on a CPU, and the one with them while none is.
 */
void interrupt_use_stacks(bool use);

/* A backtrace of the caller, symbolised. */
void backtrace_print(uint64_t rip, uint64_t rbp);

#endif
