/* Which vCPU a CPU runs next, and the ways into and out of waiting. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_SCHED_SCHED_H
#define XEN_CORE_SCHED_SCHED_H

#include "vcpu/vcpu.h"

#define SCHED_WEIGHT_DEFAULT 256
#define SCHED_WEIGHT_MAX     65535

/* What a domain may have of the CPUs. All under the scheduler's lock. */
struct sched_share {
	uint32_t weight; /* its part is to another's as their weights */
	uint32_t cap;    /* at most, in percent of one CPU; 0: no limit */
	int64_t budget;  /* ns that it may still run in this period, if capped */
	nanos_t period_start;
};

void sched_share_init(struct sched_share *share);

/* -EINVAL: a weight of 0 or above the maximum. */
int sched_share_set(struct sched_share *share, uint32_t weight, uint32_t cap);

void sched_cpu_init(struct cpu *cpu); /* before the first vCPU is made for it */

int sched_vcpu_init(struct vcpu *vcpu, struct cpu *cpu, struct sched_share *share);
void sched_vcpu_destroy(struct vcpu *vcpu); /* out of guest mode for good; its CPU forgets it */

/* May it enter guest mode? Asked again before every entry. */
bool sched_is_runnable(const struct vcpu *vcpu);

/* The CPU's next vCPU, or NULL to idle; called by the run loop with interrupts off. If it is another
 * one than before, the one before is handed back by sched_left once nothing more is to be done for it
 * here: it may be freed then, or run elsewhere. */
struct vcpu *sched_pick(struct cpu *cpu);
void sched_left(struct vcpu *vcpu);

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

/* -EINVAL if no CPU of the mask is online. */
int sched_set_affinity(struct vcpu *vcpu, uint64_t cpu_mask);

#endif
