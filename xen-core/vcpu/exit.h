/* Why the guest stopped, in words that both vendors share. The backend fills it, run/ reads it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_VCPU_EXIT_H
#define XEN_CORE_VCPU_EXIT_H

#include "lib/types.h"

enum exit_kind {
	EXIT_INTERRUPT, /* a physical interrupt waits for the hypervisor */
	EXIT_NMI,
	EXIT_INTERRUPT_WINDOW, /* the guest can now take the interrupt that waits for it */
	EXIT_HYPERCALL,
	EXIT_CPUID,
	EXIT_HLT,
	EXIT_MSR,
	EXIT_PORT,
	EXIT_NESTED_FAULT,
	EXIT_XSETBV,
	EXIT_EXCEPTION, /* one we watch, to be handed on to the guest */
	EXIT_UNDEFINED, /* an instruction that this virtual CPU does not have */
	EXIT_SKIP,      /* an instruction that does nothing here (INVD) */
	EXIT_SHUTDOWN,  /* triple fault */
	EXIT_BROKEN,    /* the CPU refused the guest's state, or a reason we do not know */
	EXIT_KINDS
};

struct msr_access {
	uint32_t index;
	bool write;
	uint64_t value;
};

struct port_access {
	uint16_t port;
	uint8_t size; /* 1, 2, 4 */
	bool in;
	bool string; /* INS, OUTS */
	bool repeat;
};

struct nested_fault {
	paddr_t address; /* guest-physical */
	bool write, fetch;
	bool present; /* a right was missing; otherwise the entry */
	bool in_walk; /* while walking the guest's own tables */
};

struct vm_exit {
	enum exit_kind kind;
	uint8_t length;  /* bytes of the instruction to step over once it is served; 0: not known */
	uint64_t reason; /* the hardware's own code, for dumps */
	union {
		struct msr_access msr;
		struct port_access port;
		struct nested_fault fault;
		struct {
			uint8_t vector;
			uint32_t error;
			bool has_error;
		} exception;
	};
};

/* What a dump tells of the exits before: the way to a crash says more than the crash. */
#define EXIT_NOTES 8
struct exit_note {
	uint64_t reason, rip;
	uint64_t tsc;
	uint32_t cpu;
};

#endif
