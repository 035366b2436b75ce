/* Many hypercalls in one: the caller's array of numbers, arguments and results. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "hypercall/argument.h"

/* Calls made before the guest's interrupts get their chance; the rest goes on from there. */
#define CALLS_AT_ONCE 32

static long run_entry(const struct hypercall *multicall, struct multicall_entry *entry, bool *again)
{
	struct hypercall call = {
		.caller = multicall->caller,
		.narrow = multicall->narrow,
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
		long err = argument_take(call, &shape_multicall_entry, &entry, at, 1);

		if (!err)
			err = run_entry(call, &entry, &again);
		if (!err)
			err = argument_give(call, &shape_multicall_entry, at, &entry, 1);
		if (err)
			return err;
		if (!again) {
			at += argument_size(call, &shape_multicall_entry);
			left--;
		}
	}
	call->args[0] = at;
	call->args[1] = left;
	call->again = left;
	return 0;
}
