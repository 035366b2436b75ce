/* Which vCPU a CPU runs next, and the ways into and out of waiting. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_SCHED_SCHED_H
#define XEN_CORE_SCHED_SCHED_H

#include "vcpu/vcpu.h"

void sched_cpu_init(struct cpu *cpu); /* before the first vCPU is made for it */

int sched_vcpu_init(struct vcpu *vcpu, struct cpu *cpu); /* paused-free, not up yet */
void sched_vcpu_destroy(struct vcpu *vcpu);

/* May it enter guest mode? Asked again before every entry. */
bool sched_is_runnable(const struct vcpu *vcpu);

/* The CPU's next vCPU, or NULL to idle; called by the run loop with interrupts off. */
struct vcpu *sched_pick(struct cpu *cpu);

/* Makes a blocked vCPU runnable; nothing if it is not blocked. Any CPU. */
void sched_wake(struct vcpu *vcpu);

/* As sched_wake, and if it is running elsewhere makes it leave guest mode to look at its events. */
void sched_kick(struct vcpu *vcpu);

/* The caller's own vCPU gives up its CPU: until woken; or only its turn. */
void sched_block(struct vcpu *vcpu);
void sched_yield(struct vcpu *vcpu);

/* Start and stop: up (INIT/SIPI, context set) and down (HLT with interrupts off, VCPUOP_down). */
void sched_up(struct vcpu *vcpu);
void sched_down(struct vcpu *vcpu);

/* Counted. sched_pause returns when the vCPU is no longer in guest mode (not for the caller's own:
 * that one stops when it next would enter). */
void sched_pause(struct vcpu *vcpu);
void sched_unpause(struct vcpu *vcpu);

#endif
