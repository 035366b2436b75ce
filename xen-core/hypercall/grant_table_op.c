/* Grant tables as guests ask for them: sizes and version; mapping and copying come with the backends. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "hypercall/hypercall.h"

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

/* args: operation, array of operands, how many. */
long hypercall_grant_table_op(struct hypercall *call)
{
	if (!call->args[2])
		return 0;
	switch (call->args[0]) {
	case GNTTABOP_query_size:
		return call->args[2] == 1 ? query_size(call) : -EINVAL;
	case GNTTABOP_set_version:
		return call->args[2] == 1 ? set_version(call) : -EINVAL;
	case GNTTABOP_get_version:
		return call->args[2] == 1 ? get_version(call) : -EINVAL;
	default:
		return -ENOSYS;
	}
}
