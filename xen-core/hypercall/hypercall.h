/* A hypercall: its number, arguments and caller; the table of those we serve. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_HYPERCALL_HYPERCALL_H
#define XEN_CORE_HYPERCALL_HYPERCALL_H

#include "domain/domain.h"
#include "lib/errno.h"
#include "vcpu/linear.h"

#define HYPERCALL_ARGS 5

/*
 * Arguments are guest values: numbers, or linear addresses for copy_from_guest/copy_to_guest.
 * A handler checks everything before it changes anything. A long one may stop half way: it
 * rewrites args so that the same call goes on from there, sets again, and its return value is
 * ignored; the guest executes the instruction once more.
 */
struct hypercall {
	struct vcpu *caller;
	uint64_t number;
	uint64_t args[HYPERCALL_ARGS];
	bool narrow; /* from 32-bit code: arguments have 32 bits, operands are as hypercall/argument.h says */
	bool again;
};

/* The largest number that an argument can hold. */
static inline uint64_t hypercall_argument_max(const struct hypercall *call)
{
	return call->narrow ? UINT32_MAX : UINT64_MAX;
}

typedef long hypercall_handler(struct hypercall *call);

/* Of the calls that only a toolstack makes, which has 64 bits: what 32-bit code gets for trying. */
static inline long hypercall_refusal(const struct hypercall *call)
{
	return call->caller->domain->privileged ? -ENOSYS : -EPERM;
}

/* Looks the handler up and runs it; -ENOSYS for those not served, or not to the caller's width. */
long hypercall_dispatch(struct hypercall *call);

/* What the vmmcall/vmcall exit calls: reads the caller's registers, checks CPL, writes RAX and the
 * arguments of an unfinished call back. Returns true if the instruction is to be stepped over. */
bool hypercall_from_guest(struct vcpu *vcpu);

/* The vCPU is about to take a page out of its map by a call of its own (remove_from_physmap). */
bool hypercall_is_removal(const struct vcpu *vcpu);

hypercall_handler hypercall_memory_op, hypercall_multicall, hypercall_event_channel_op,
	hypercall_xen_version, hypercall_console_io, hypercall_grant_table_op, hypercall_vm_assist,
	hypercall_vcpu_op, hypercall_sched_op, hypercall_hvm_op, hypercall_physdev_op,
	hypercall_platform_op, hypercall_domctl, hypercall_sysctl, hypercall_checkpoint_op;

#endif
