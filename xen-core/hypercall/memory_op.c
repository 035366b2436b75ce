/* What a domain asks about memory: the table of operations, and the small questions. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "hypercall/argument.h"
#include "hypercall/memory.h"

#include "lib/string.h"
#include "mm/heap.h"
#include "mm/memory_map.h"

int memory_op_target(struct hypercall *call, domid_t id, struct domain **domain)
{
	*domain = domain_get(id, call->caller);
	if (!*domain)
		return -ESRCH;
	if (*domain == call->caller->domain)
		return 0;
	if (call->caller->domain->privileged && (*domain)->state < DOMAIN_DYING)
		return 0;
	domain_put(*domain);
	return call->caller->domain->privileged ? -ESRCH : -EPERM;
}

static long reservation_query(struct hypercall *call)
{
	struct xen_memory_domain request;
	struct domain *domain;
	long result = copy_from_guest(call->caller, &request, call->args[1], sizeof(request));

	if (!result)
		result = memory_op_target(call, request.domid, &domain);
	if (result)
		return result;
	switch (call->args[0]) {
	case XENMEM_current_reservation:
		result = (long)__atomic_load_n(&domain->pages, __ATOMIC_RELAXED);
		break;
	case XENMEM_maximum_reservation:
		result = (long)domain->max_pages;
		break;
	default:
		result = (long)domain->p2m.highest.v;
	}
	domain_put(domain);
	return result;
}

/* No populate-on-demand: the target is what the domain has, and any is fine. */
static long pod_target(struct hypercall *call)
{
	struct xen_pod_target request;
	struct domain *domain;
	long err;

	if (!call->caller->domain->privileged)
		return -EPERM;
	err = copy_from_guest(call->caller, &request, call->args[1], sizeof(request));
	if (err)
		return err;
	domain = domain_get(request.domid, call->caller);
	if (!domain)
		return -ESRCH;
	request.tot_pages = __atomic_load_n(&domain->pages, __ATOMIC_RELAXED);
	request.pod_cache_pages = 0;
	request.pod_entries = 0;
	domain_put(domain);
	return copy_to_guest(call->caller, call->args[1], &request, sizeof(request));
}

/* A copy, for the toolstack may replace the map meanwhile. */
static uint32_t map_of(struct domain *domain, struct e820_entry entries[E820_MAX])
{
	uint32_t count;

	lock_take(&domain->lock);
	count = domain->e820 ? domain->e820_count : 0;
	if (count)
		memcpy(entries, domain->e820, count * sizeof(*entries));
	lock_release(&domain->lock);
	return count;
}

long memory_map_get(struct hypercall *call)
{
	struct e820_entry entries[E820_MAX];
	uint32_t count = map_of(call->caller->domain, entries);
	struct xen_memory_map request;
	long err = argument_take(call, &shape_memory_map, &request, call->args[1], 1);

	if (err)
		return err;
	if (!count)
		return -ENOSYS;
	if (request.nr_entries < count)
		return -EINVAL;
	request.nr_entries = count;
	err = copy_to_guest(call->caller, (uint64_t)(uintptr_t)request.buffer.p, entries,
	                    count * sizeof(*entries));
	return err ? err : argument_give(call, &shape_memory_map, call->args[1], &request, 1);
}

static void install_map(struct domain *domain, struct e820_entry *entries, uint32_t count)
{
	struct e820_entry *old;

	lock_take(&domain->lock);
	old = domain->e820;
	domain->e820_count = count;
	domain->e820 = entries;
	lock_release(&domain->lock);
	heap_free(old);
}

long memory_map_set(struct hypercall *call)
{
	struct xen_foreign_memory_map request;
	struct e820_entry *entries;
	struct domain *domain;
	long err = copy_from_guest(call->caller, &request, call->args[1], sizeof(request));

	if (err)
		return err;
	if (!call->caller->domain->privileged)
		return -EPERM;
	if (!request.map.nr_entries || request.map.nr_entries > E820_MAX)
		return -EINVAL;
	entries = heap_alloc(request.map.nr_entries * sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	err = copy_from_guest(call->caller, entries, (uint64_t)(uintptr_t)request.map.buffer.p,
	                      request.map.nr_entries * sizeof(*entries));
	if (err)
		goto free_entries;
	domain = domain_get(request.domid, call->caller);
	if (!domain) {
		err = -ESRCH;
		goto free_entries;
	}
	install_map(domain, entries, request.map.nr_entries);
	domain_put(domain);
	return 0;

free_entries:
	heap_free(entries);
	return err;
}

static long maximum_ram_page(struct hypercall *call)
{
	(void)call;
	return (long)(memory_map_top() >> PAGE_SHIFT) - 1;
}

static long nothing_shared(struct hypercall *call)
{
	(void)call;
	return 0;
}

/* The toolstack and the kernel go on without only if they hear just this. */
static long not_supported(struct hypercall *call)
{
	(void)call;
	return -EOPNOTSUPP;
}

static hypercall_handler *const operations[] = {
	[XENMEM_maximum_ram_page] = maximum_ram_page,
	[XENMEM_current_reservation] = reservation_query,
	[XENMEM_maximum_reservation] = reservation_query,
	[XENMEM_maximum_gpfn] = reservation_query,
	[XENMEM_add_to_physmap] = memory_add_to_physmap,
	[XENMEM_add_to_physmap_batch] = memory_add_to_physmap_batch,
	[XENMEM_remove_from_physmap] = memory_remove_from_physmap,
	[XENMEM_populate_physmap] = memory_populate_physmap,
	[XENMEM_decrease_reservation] = memory_decrease_reservation,
	[XENMEM_claim_pages] = memory_claim_pages,
	[XENMEM_memory_map] = memory_map_get,
	[XENMEM_set_memory_map] = memory_map_set,
	[XENMEM_set_pod_target] = pod_target,
	[XENMEM_get_pod_target] = pod_target,
	[XENMEM_get_sharing_freed_pages] = nothing_shared,
	[XENMEM_get_sharing_shared_pages] = nothing_shared,
	[XENMEM_get_vnumainfo] = not_supported,
	[XENMEM_acquire_resource] = memory_acquire_resource,
};

/* The builder's part. */
static bool is_wide_only(uint64_t operation)
{
	return operation == XENMEM_claim_pages || operation == XENMEM_set_memory_map ||
	       operation == XENMEM_set_pod_target || operation == XENMEM_get_pod_target ||
	       operation == XENMEM_acquire_resource;
}

long hypercall_memory_op(struct hypercall *call)
{
	uint64_t operation = call->args[0] & (BIT(MEMORY_OP_BITS) - 1);

	if (operation >= ARRAY_SIZE(operations) || !operations[operation])
		return -ENOSYS;
	if (call->narrow && is_wide_only(operation))
		return hypercall_refusal(call);
	return operations[operation](call);
}
