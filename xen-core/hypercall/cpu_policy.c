/* What CPUID tells guests: the machine's offer, and what a domain's builder makes of it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "hypercall/domctl.h"
#include "hypercall/sysctl.h"

#include "lib/string.h"
#include "mm/heap.h"
#include "vcpu/policy.h"

#define MSRS_MAX 2 /* the tools hand in two; neither has a choice here */

static uint64_t address_of(const void *handle)
{
	return (uint64_t)(uintptr_t)handle;
}

static long give(struct hypercall *call, const struct cpu_policy *policy, uint64_t leaves,
                 uint32_t *count)
{
	if (!leaves) {
		*count = POLICY_LEAVES_MAX;
		return 0;
	}
	if (*count < policy->count)
		return -ENOBUFS;
	*count = policy->count;
	return copy_to_guest(call->caller, leaves, policy->leaves,
	                     policy->count * sizeof(policy->leaves[0]));
}

static long give_default(struct hypercall *call, uint64_t leaves, uint32_t *count)
{
	struct cpu_policy *policy = heap_alloc(sizeof(*policy));
	long err;

	if (!policy)
		return -ENOMEM;
	policy_default(policy);
	err = give(call, policy, leaves, count);
	heap_free(policy);
	return err;
}

/* One offer for all: what a guest gets by default is all that it can have. */
long sysctl_cpu_policy(struct hypercall *call, struct xen_sysctl *op)
{
	struct xen_sysctl_cpu_policy *request = &op->u.cpu_policy;

	if (request->_rsvd)
		return -EINVAL;
	switch (request->index) {
	case XEN_SYSCTL_cpu_policy_raw:
	case XEN_SYSCTL_cpu_policy_host:
	case XEN_SYSCTL_cpu_policy_hvm_max:
	case XEN_SYSCTL_cpu_policy_hvm_default:
		request->nr_msrs = request->msrs.p ? 0 : MSRS_MAX;
		return give_default(call, address_of(request->leaves.p), &request->nr_leaves);
	case XEN_SYSCTL_cpu_policy_pv_max:
	case XEN_SYSCTL_cpu_policy_pv_default:
		return -EOPNOTSUPP;
	default:
		return -EINVAL;
	}
}

long domctl_get_cpu_policy(struct hypercall *call, struct xen_domctl *op, struct domain *domain)
{
	struct xen_domctl_cpu_policy *request = &op->u.cpu_policy;
	uint64_t leaves = address_of(request->leaves.p);

	request->nr_msrs = 0;
	return domain->policy ? give(call, domain->policy, leaves, &request->nr_leaves)
	                      : give_default(call, leaves, &request->nr_leaves);
}

/* Before the domain first runs; it keeps what it is told here. */
static void install(struct domain *domain, struct cpu_policy *policy)
{
	struct cpu_policy *old = domain->policy;

	domain->policy = policy;
	for (unsigned i = 0; i < domain->vcpu_count; i++)
		if (domain->vcpus[i])
			domain->vcpus[i]->policy = policy;
	heap_free(old);
}

long domctl_set_cpu_policy(struct hypercall *call, struct xen_domctl *op, struct domain *domain)
{
	struct xen_domctl_cpu_policy *request = &op->u.cpu_policy;
	struct cpu_policy *policy;
	unsigned bad;
	long err;

	request->err_leaf = request->err_subleaf = request->err_msr = ~0u;
	if (request->nr_leaves > POLICY_LEAVES_MAX || request->nr_msrs > MSRS_MAX)
		return -EINVAL;
	if (domain->state != DOMAIN_BUILDING || domain == call->caller->domain)
		return -EEXIST;
	policy = heap_alloc(sizeof(*policy));
	if (!policy)
		return -ENOMEM;
	policy->count = request->nr_leaves;
	err = copy_from_guest(call->caller, policy->leaves, address_of(request->leaves.p),
	                      policy->count * sizeof(policy->leaves[0]));
	bad = err ? 0 : policy_check(policy);
	if (!err && bad < policy->count) {
		request->err_leaf = policy->leaves[bad].leaf;
		request->err_subleaf = policy->leaves[bad].subleaf;
		copy_to_guest(call->caller, call->args[0], op, sizeof(*op));
		err = -ERANGE;
	}
	if (err) {
		heap_free(policy);
		return err;
	}
	install(domain, policy);
	return 0;
}
