/* Variations of the ABI that a guest switches on: only the mark on runstate updates. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "hypercall/hypercall.h"

/* args: enable or disable, which. */
long hypercall_vm_assist(struct hypercall *call)
{
	struct domain *domain = call->caller->domain;
	bool on = call->args[0] == VMASST_CMD_enable;

	if (call->args[0] > VMASST_CMD_disable)
		return -ENOSYS;
	if (call->args[1] != VMASST_TYPE_runstate_update_flag)
		return -EINVAL;
	domain->runstate_update_flag = on;
	for (unsigned i = 0; i < DOMAIN_MAX_VCPUS; i++)
		if (domain->vcpus[i])
			domain->vcpus[i]->runstate_update_flag = on;
	return 0;
}
