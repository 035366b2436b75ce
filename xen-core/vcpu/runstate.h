/* Where a vCPU's time goes: running, runnable, blocked, offline; the guest's copy of it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_VCPU_RUNSTATE_H
#define XEN_CORE_VCPU_RUNSTATE_H

#include "vcpu/vcpu.h"

/* Accounts the time since the last change to the old state and enters the new (RUNSTATE_*). Changes of
 * one vCPU are serialised by the caller; readers may come at any time. */
void runstate_change(struct vcpu *vcpu, int state, nanos_t now);

/* Copies the current figures to the guest's registered area, if any (bit 63 protocol of vm_assist 5
 * when update_flag is set). */
void runstate_publish(struct vcpu *vcpu);

/* A snapshot with the running state's time up to now. */
struct vcpu_runstate_info runstate_read(struct vcpu *vcpu);

#endif
