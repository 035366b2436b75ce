/* What a CPU would refuse, or fault on, in the records of a vCPU. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_CHECKPOINT_VIEW_VCPU_H
#define XEN_CORE_CHECKPOINT_VIEW_VCPU_H

#include "abi/checkpoint_state.h"
#include "lib/types.h"

bool view_vcpu_is_valid(const struct state_vcpu *vcpu, unsigned address_bits);
bool view_xstate_is_valid(uint64_t xcr0, const uint8_t *area, uint64_t supported);
bool view_lapic_is_valid(const struct state_lapic *lapic, uint32_t id);

#endif
