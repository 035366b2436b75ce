/* Which vCPU's registers a CPU holds between exits; taking them off it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_VCPU_LOADED_H
#define XEN_CORE_VCPU_LOADED_H

#include "vcpu/vcpu.h"

/* Puts the vCPU's registers on this CPU, those of another first back into memory. */
void vcpu_load(struct vcpu *vcpu);

/*
 * Makes memory hold the vCPU's registers, wherever it ran last: before they are read, changed or
 * freed. It is paused, and stays so.
 */
void vcpu_unload(struct vcpu *vcpu);

#endif
