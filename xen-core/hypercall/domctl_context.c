/* A paused domain's registers, in and out. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "hypercall/domctl.h"

#include "checkpoint/hvm_context.h"
#include "mm/heap.h"

#define CONTEXT_MAX KIB(512) /* of a buffer that is handed in */

/* The domain stands still with its registers in memory until domain_unpause. */
static long hold(struct hypercall *call, struct domain *domain)
{
	if (domain == call->caller->domain)
		return -EINVAL;
	for (unsigned i = 0; i < domain->vcpu_count; i++)
		if (!domain->vcpus[i])
			return -EINVAL;
	domain_stop(domain);
	return 0;
}

/* Without a buffer: how large it has to be. */
long domctl_gethvmcontext(struct hypercall *call, struct xen_domctl *op, struct domain *domain)
{
	uint64_t to = (uint64_t)(uintptr_t)op->u.hvmcontext.buffer.p;
	size_t size = hvm_context_size(domain);
	void *buffer;
	long err;

	if (!to) {
		op->u.hvmcontext.size = (uint32_t)size;
		return 0;
	}
	if (op->u.hvmcontext.size < size)
		return -ENOSPC;
	buffer = heap_alloc(size);
	if (!buffer)
		return -ENOMEM;
	err = hold(call, domain);
	if (!err) {
		hvm_context_save(domain, buffer);
		domain_unpause(domain);
		op->u.hvmcontext.size = (uint32_t)size;
		err = copy_to_guest(call->caller, to, buffer, size);
	}
	heap_free(buffer);
	return err;
}

long domctl_sethvmcontext(struct hypercall *call, struct xen_domctl *op, struct domain *domain)
{
	uint64_t from = (uint64_t)(uintptr_t)op->u.hvmcontext.buffer.p;
	size_t size = op->u.hvmcontext.size;
	void *buffer;
	long err;

	if (!size || size > CONTEXT_MAX)
		return -EINVAL;
	buffer = heap_alloc(size);
	if (!buffer)
		return -ENOMEM;
	err = copy_from_guest(call->caller, buffer, from, size);
	if (!err)
		err = hold(call, domain);
	if (!err) {
		err = hvm_context_load(domain, buffer, size);
		domain_unpause(domain);
	}
	heap_free(buffer);
	return err;
}
