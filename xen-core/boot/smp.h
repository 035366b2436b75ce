/* Starting the CPUs that the firmware left waiting. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_BOOT_SMP_H
#define XEN_CORE_BOOT_SMP_H

/*
 * Starts every CPU of the MADT, as far as the option maxcpus and MAX_CPUS allow; they idle and
 * serve interrupts and calls. After ACPI, APIC, clock and timers, and before dom0 takes its memory:
 * a page below 1 MiB is borrowed.
 */
void smp_start(void);

struct cpu;

/* Sends every started CPU into loop(cpu), which does not return. */
void smp_release(void (*loop)(struct cpu *cpu));

#endif
