/* What each physical CPU has for itself, found through its stack. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_HW_PERCPU_H
#define XEN_CORE_HW_PERCPU_H

#include "hw/lock.h"
#include "lib/list.h"
#include "lib/types.h"

#define MAX_CPUS 64 /* one machine word of CPUs; more needs wider masks in the ABI as well */

/*
 * One CPU's stacks: a block of STACK_SIZE bytes aligned to its size. Lowest page first:
 * 0 #DF, 1 NMI, 2 #MC (interrupt stack table), 3 guard (not mapped), 4..7 the stack proper.
 * The last 16 bytes hold the pointer to the struct cpu, so that this_cpu() needs no segment
 * register: FS, GS and TR belong to the guest while one is loaded.
 */
#define STACK_SIZE (8 * PAGE_SIZE)

struct vcpu;
struct timer;

struct cpu {
	unsigned id; /* dense; 0 is the boot CPU, but see guest_cpu_count */
	uint32_t apic_id;
	bool online;
	bool kicked;              /* asked to go round its run loop (atomic) */
	bool in_guest;            /* from its last look at its orders to the exit (atomic) */
	void *stack;              /* the block; see above */
	struct vcpu *current;     /* the vCPU that this CPU runs or NULL when idle */
	struct vcpu *loaded;      /* whose FS, GS, TR, syscall MSRs, FPU are in the CPU, or NULL */
	void *backend;            /* the vendor backend's own (host save area, ...) */
	struct lock timer_lock;   /* over timers and timer_programmed */
	struct list timers;       /* hw/timer.c: armed timers, soonest first */
	nanos_t timer_programmed; /* what the APIC timer is set to; 0: nothing */
	unsigned locks_held;      /* bit per lock level: debug builds check the order */
	uint64_t interrupts;      /* taken by the hypervisor since boot */
	unsigned long calls;      /* cross calls waiting for this CPU, bit per caller (hw/ipi.c) */
};

static inline struct cpu *this_cpu(void)
{
	unsigned long sp;

	asm("mov %%rsp, %0" : "=r"(sp));
	return *(struct cpu **)((sp | (STACK_SIZE - 1)) - 15);
}

extern unsigned cpu_count;         /* CPUs that are up */
extern unsigned guest_cpu_count;   /* those that run vCPUs: they have the lowest ids */
extern struct cpu *cpus[MAX_CPUS]; /* by id */

#endif
