/* The run loop of each CPU: pick a vCPU, enter it, serve its exit. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_RUN_RUN_H
#define XEN_CORE_RUN_RUN_H

struct cpu;

/* Makes this CPU ready for guests (vendor backend, FPU); each CPU, before run_cpu. */
void run_cpu_init(struct cpu *cpu);

void run_cpu(struct cpu *cpu) __attribute__((noreturn));

#endif
