/* A domain's parameters: ring pages, event ports, how it wants to be called back. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "hypercall/hypercall.h"

#include "hypercall/width.h"

/* What a domain may set for itself; the rest is its builder's. */
static bool settable_by_self(uint32_t index)
{
	return index == HVM_PARAM_CALLBACK_IRQ || index == HVM_PARAM_STORE_EVTCHN ||
	       index == HVM_PARAM_CONSOLE_EVTCHN || index == HVM_PARAM_VM86_TSS ||
	       index == HVM_PARAM_VM86_TSS_SIZED || index == HVM_PARAM_ACPI_IOPORTS_LOCATION;
}

static bool readable_by_self(uint32_t index)
{
	return settable_by_self(index) || index == HVM_PARAM_STORE_PFN ||
	       index == HVM_PARAM_CONSOLE_PFN || index == HVM_PARAM_VM_GENERATION_ID_ADDR ||
	       index == HVM_PARAM_X87_FIP_WIDTH;
}

static void set_param(struct domain *domain, uint32_t index, uint64_t value)
{
	lock_take(&domain->lock);
	domain->params[index] = value;
	if (index == HVM_PARAM_CALLBACK_IRQ)
		domain_callback_from_param(domain);
	lock_release(&domain->lock);
}

static long param_op(struct hypercall *call, bool set)
{
	bool privileged = call->caller->domain->privileged;
	struct xen_hvm_param request;
	struct domain *domain;
	long err = copy_from_guest(call->caller, &request, call->args[1], sizeof(request));

	if (err)
		return err;
	if (request.index >= HVM_NR_PARAMS)
		return -EINVAL;
	domain = domain_get(request.domid, call->caller);
	if (!domain)
		return -ESRCH;
	if (!privileged &&
	    (domain != call->caller->domain ||
	     !(set ? settable_by_self(request.index) : readable_by_self(request.index))))
		err = -EPERM;
	else if (set)
		set_param(domain, request.index, request.value);
	else
		request.value = domain->params[request.index];
	if (!err && set && request.index == HVM_PARAM_CALLBACK_IRQ &&
	    domain == call->caller->domain)
		width_latch(call->caller);
	domain_put(domain);
	if (!err && !set)
		err = copy_to_guest(call->caller, call->args[1], &request, sizeof(request));
	return err;
}

long hypercall_hvm_op(struct hypercall *call)
{
	switch (call->args[0]) {
	case HVMOP_set_param:
		return param_op(call, true);
	case HVMOP_get_param:
		return param_op(call, false);
	default:
		return -ENOSYS;
	}
}
