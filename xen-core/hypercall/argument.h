/* A hypercall's operands in the caller's memory, in the caller's form: 64-bit or 32-bit. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_HYPERCALL_ARGUMENT_H
#define XEN_CORE_HYPERCALL_ARGUMENT_H

#include "hypercall/hypercall.h"
#include "lib/shape.h"

/*
 * Handlers know the 64-bit form only. Operands that look the same to everybody are copied as they are
 * (copy_from_guest); all others have a shape here, and go through the functions below.
 */
extern const struct shape shape_word; /* xen_pfn_t, xen_ulong_t */
extern const struct shape shape_add_to_physmap, shape_add_to_physmap_batch,
	shape_remove_from_physmap, shape_memory_reservation, shape_memory_map;
extern const struct shape shape_grant_map, shape_grant_unmap, shape_grant_copy;
extern const struct shape shape_singleshot_timer, shape_sched_poll;
extern const struct shape shape_multicall_entry, shape_platform_parameters;

/* An array of so many, copied from and to the caller's memory; -EFAULT as copy_from_guest. */
long argument_take(const struct hypercall *call, const struct shape *shape, void *to, uint64_t from,
                   unsigned count);
long argument_give(const struct hypercall *call, const struct shape *shape, uint64_t to,
                   const void *from, unsigned count);

/* Bytes from one element of the caller's array to the next. */
uint64_t argument_size(const struct hypercall *call, const struct shape *shape);

#endif
