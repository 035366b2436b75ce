/* Grant tables as guests ask for them: mapping, unmapping, copying, sizes and version. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "hypercall/argument.h"

#include "grant/grant.h"

static int16_t query(struct hypercall *call, struct gnttab_query_size *request)
{
	struct domain *domain = domain_get(request->dom, call->caller);
	int16_t status = GNTST_okay;

	if (!domain)
		return GNTST_bad_domain;
	if (domain != call->caller->domain && !call->caller->domain->privileged) {
		status = GNTST_permission_denied;
	} else {
		request->nr_frames = grant_table_frames(domain);
		request->max_nr_frames = grant_table_max_frames(domain);
	}
	domain_put(domain);
	return status;
}

static long query_size(struct hypercall *call)
{
	struct gnttab_query_size request;
	long err = copy_from_guest(call->caller, &request, call->args[1], sizeof(request));

	if (err)
		return err;
	request.status = query(call, &request);
	return copy_to_guest(call->caller, call->args[1], &request, sizeof(request));
}

/* There is one version, so there is nothing to change. */
static long set_version(struct hypercall *call)
{
	struct gnttab_set_version request;
	long err = copy_from_guest(call->caller, &request, call->args[1], sizeof(request));

	if (err)
		return err;
	if (request.version == 2)
		return -ENOSYS;
	return request.version == 1 ? 0 : -EINVAL;
}

static long get_version(struct hypercall *call)
{
	struct gnttab_get_version request;
	struct domain *domain;
	long err = copy_from_guest(call->caller, &request, call->args[1], sizeof(request));

	if (err)
		return err;
	domain = domain_get(request.dom, call->caller);
	if (!domain)
		return -ESRCH;
	if (domain != call->caller->domain && !call->caller->domain->privileged)
		err = -EPERM;
	domain_put(domain);
	if (err)
		return err;
	request.version = 1;
	return copy_to_guest(call->caller, call->args[1], &request, sizeof(request));
}

static long swap(struct hypercall *call)
{
	struct gnttab_swap_grant_ref request;
	long err = copy_from_guest(call->caller, &request, call->args[1], sizeof(request));

	if (err)
		return err;
	request.status = grant_swap(call->caller->domain, request.ref_a, request.ref_b);
	return copy_to_guest(call->caller, call->args[1], &request, sizeof(request));
}

/* Some operands of one kind; all kinds fit. */
union operands {
	struct gnttab_map_grant_ref map[GRANT_OPS_AT_ONCE];
	struct gnttab_unmap_grant_ref unmap[GRANT_OPS_AT_ONCE];
	struct gnttab_copy copy[GRANT_OPS_AT_ONCE];
};

static void map(struct vcpu *caller, union operands *operands, unsigned count)
{
	grant_map(caller, operands->map, count);
}

static void unmap(struct vcpu *caller, union operands *operands, unsigned count)
{
	grant_unmap(caller, operands->unmap, count);
}

static void copy(struct vcpu *caller, union operands *operands, unsigned count)
{
	grant_copy(caller, operands->copy, count);
}

/*
 * A part of the array, which goes back with its results; then the caller's interrupts get their
 * chance, and the call goes on with the rest.
 */
static long some(struct hypercall *call, const struct shape *shape,
                 void (*act)(struct vcpu *caller, union operands *operands, unsigned count))
{
	unsigned count = (unsigned)MIN(call->args[2], (uint64_t)GRANT_OPS_AT_ONCE);
	union operands operands;
	long err = argument_take(call, shape, &operands, call->args[1], count);

	if (err)
		return err;
	act(call->caller, &operands, count);
	err = argument_give(call, shape, call->args[1], &operands, count);
	if (err)
		return err;
	call->args[1] += count * argument_size(call, shape);
	call->args[2] -= count;
	call->again = call->args[2];
	return 0;
}

/* args: operation, array of operands, how many. */
long hypercall_grant_table_op(struct hypercall *call)
{
	uint64_t count = call->args[2];

	if (!count)
		return 0;
	if (count > INT32_MAX)
		return -EINVAL;
	switch (call->args[0]) {
	case GNTTABOP_map_grant_ref:
		return some(call, &shape_grant_map, map);
	case GNTTABOP_unmap_grant_ref:
		return some(call, &shape_grant_unmap, unmap);
	case GNTTABOP_copy:
		return some(call, &shape_grant_copy, copy);
	case GNTTABOP_query_size:
		return count == 1 ? query_size(call) : -EINVAL;
	case GNTTABOP_set_version:
		return count == 1 ? set_version(call) : -EINVAL;
	case GNTTABOP_get_version:
		return count == 1 ? get_version(call) : -EINVAL;
	case GNTTABOP_swap_grant_ref:
		return count == 1 ? swap(call) : -EINVAL;
	default:
		return -ENOSYS;
	}
}
