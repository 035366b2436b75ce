/* A vCPU's registers, shared memory and timers into a record and out of it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_CHECKPOINT_STATE_VCPU_H
#define XEN_CORE_CHECKPOINT_STATE_VCPU_H

#include "abi/checkpoint_state.h"
#include "irq/vlapic.h"

/* Of a vCPU that is stopped. What is loaded has been checked (view_vcpu.h). */
void state_vcpu_save(struct vcpu *vcpu, struct state_vcpu *to);
void state_vcpu_load(struct vcpu *vcpu, const struct state_vcpu *from); /* it stays down */

/* The guest's vcpu_info and timers, once the domain's clock and pages are in place. -EINVAL: no memory there. */
int state_vcpu_load_info(struct vcpu *vcpu, const struct state_vcpu *from);
void state_vcpu_load_timers(struct vcpu *vcpu, const struct state_vcpu *from);

#endif
