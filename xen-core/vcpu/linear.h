/* Copies by guest linear address: walks the vCPU's page tables as its CPU would. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_VCPU_LINEAR_H
#define XEN_CORE_VCPU_LINEAR_H

#include "vcpu/vcpu.h"

enum linear_access { LINEAR_READ = 0, LINEAR_WRITE = 1, LINEAR_FETCH = 2 };

/*
 * Guest-physical address of a linear one under the vCPU's current CR3 and mode (also 32-bit and
 * paging off). -EFAULT if not mapped or not writable for a write. Rights of the supervisor: the
 * hypercall's pointers may be the kernel's or, through privcmd, a process's. A and D bits are set.
 */
int linear_to_gpa(struct vcpu *vcpu, uint64_t linear, enum linear_access access, paddr_t *gpa);

/* -EFAULT if any page is missing; what came before it has been copied. */
int copy_from_guest(struct vcpu *vcpu, void *to, uint64_t from, size_t length);
int copy_to_guest(struct vcpu *vcpu, uint64_t to, const void *from, size_t length);

#endif
