/* Interrupts from one CPU to another: a kick out of guest or idle, and calls. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_HW_IPI_H
#define XEN_CORE_HW_IPI_H

#include "lib/types.h"

struct cpu;

void ipi_init(void); /* boot CPU, before the others start */

/* Sets cpu->kicked and makes the CPU leave guest mode or HLT, so that it looks at it soon. */
void ipi_kick(struct cpu *cpu);

/*
 * Runs fn(arg) on every CPU of the mask (bit per cpu id; the caller's bit too) and waits for all.
 * While waiting, calls for the caller's own CPU are served, and so they are while a CPU spins for
 * a lock below LOCK_IPI: neither two callers nor a caller that holds such locks can deadlock. In
 * return fn takes only locks above LOCK_IPI, the caller holds none of these, and fn makes no call.
 */
void ipi_call(unsigned long cpu_mask, void (*fn)(void *arg), void *arg);

/* Runs the calls that wait for this CPU; lock_take does it while it spins (see above). */
void ipi_serve(struct cpu *self);

/* Stops all other CPUs for good; for panic. */
void ipi_stop_others(void);
bool ipi_is_stopping(void); /* the NMI handler halts its CPU if so */

#endif
