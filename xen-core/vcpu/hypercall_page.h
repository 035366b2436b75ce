/* The page of hypercall stubs that older kernels call into, in place of the instruction itself. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_VCPU_HYPERCALL_PAGE_H
#define XEN_CORE_VCPU_HYPERCALL_PAGE_H

#include "vcpu/vcpu.h"

/*
 * The value of the MSR is the guest-physical address of the page; its low bits number the page, and
 * there is only page 0. -EINVAL: #GP.
 */
int hypercall_page_write(struct vcpu *vcpu, uint64_t value);

#endif
