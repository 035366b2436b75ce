/* Many hypercalls in one: the caller's array of numbers, arguments and results. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "hypercall/hypercall.h"

/* Calls made before the guest's interrupts get their chance; the rest goes on from there. */
#define CALLS_AT_ONCE 32

static long run_entry(struct vcpu *caller, struct multicall_entry *entry, bool *again)
{
	struct hypercall call = {
		.caller = caller,
		.number = entry->op,
		.args = { entry->args[0], entry->args[1], entry->args[2], entry->args[3],
		          entry->args[4] },
	};

	if (call.number == __HYPERVISOR_multicall)
		return -EINVAL;
	entry->result = (xen_ulong_t)hypercall_dispatch(&call);
	*again = call.again;
	for (unsigned i = 0; call.again && i < HYPERCALL_ARGS; i++)
		entry->args[i] = call.args[i];
	return 0;
}

/*
 * args: the array, its length. An entry that stopped half way gets its new arguments written into
 * the caller's array, which the ABI leaves undefined afterwards.
 */
long hypercall_multicall(struct hypercall *call)
{
	uint64_t at = call->args[0];
	uint64_t left = call->args[1];
	bool again = false;

	for (unsigned i = 0; left && !again && i < CALLS_AT_ONCE; i++) {
		struct multicall_entry entry;
		long err = copy_from_guest(call->caller, &entry, at, sizeof(entry));

		if (!err)
			err = run_entry(call->caller, &entry, &again);
		if (!err)
			err = copy_to_guest(call->caller, at, &entry, sizeof(entry));
		if (err)
			return err;
		if (!again) {
			at += sizeof(entry);
			left--;
		}
	}
	call->args[0] = at;
	call->args[1] = left;
	call->again = left;
	return 0;
}
