/* memory_op by its parts: the operations on a domain's map and on its allocation. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_HYPERCALL_MEMORY_H
#define XEN_CORE_HYPERCALL_MEMORY_H

#include "hypercall/hypercall.h"

/*
 * args[0] holds the operation in its low bits and, above them, how many extents of the list are
 * done: a long call puts its progress there and sets again.
 */
#define MEMORY_OP_BITS 6

static inline uint64_t memory_op_start(const struct hypercall *call)
{
	return call->args[0] >> MEMORY_OP_BITS;
}

static inline long memory_op_again(struct hypercall *call, uint64_t done)
{
	call->args[0] = (call->args[0] & (BIT(MEMORY_OP_BITS) - 1)) | done << MEMORY_OP_BITS;
	call->again = true;
	return 0;
}

/* The domain that a call is about, with a reference: the caller's own, or any if it is privileged. */
int memory_op_target(struct hypercall *call, domid_t id, struct domain **domain);

/*
 * Takes one page out of the domain's map and drops its frame; RAM so given up is counted.
 * -ENOENT if nothing is there, -EINVAL for what is not given up this way (devices, grants).
 */
int physmap_clear(struct domain *domain, gfn_t gfn);

long memory_add_to_physmap(struct hypercall *call);
long memory_add_to_physmap_batch(struct hypercall *call);
long memory_remove_from_physmap(struct hypercall *call);
long memory_acquire_resource(struct hypercall *call);

long memory_populate_physmap(struct hypercall *call);
long memory_decrease_reservation(struct hypercall *call);
long memory_claim_pages(struct hypercall *call);

long memory_map_get(struct hypercall *call);
long memory_map_set(struct hypercall *call);

#endif
