/* The records of a domain's state: what CHECKPOINT_STATE gives and CHECKPOINT_LOAD takes. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_ABI_CHECKPOINT_STATE_H
#define XEN_CORE_ABI_CHECKPOINT_STATE_H

#include <stdint.h>

/*
 * Each record stands behind a struct checkpoint_record; lengths are multiples of 8. They come in
 * this order, each as often as it says and with instances counting from 0:
 *
 *   HEADER, DOMAIN
 *   for each vCPU: VCPU, XSTATE, LAPIC
 *   SHARED_INFO, EVENTS, PORTS
 *   for each vCPU, if events are in the FIFO form: QUEUES
 *   GRANTS, and for each frame of the table GRANT_FRAME
 *   END
 *
 * Times are the guest's system time in ns. STATE_NO_GFN stands for "nowhere".
 */
#define STATE_MAGIC   0x52454d55u
#define STATE_VERSION 1u
#define STATE_NO_GFN  (~0ull)

enum state_type {
	STATE_HEADER = 1,
	STATE_DOMAIN,
	STATE_VCPU,
	STATE_XSTATE,
	STATE_LAPIC,
	STATE_SHARED_INFO,
	STATE_EVENTS,
	STATE_PORTS,
	STATE_QUEUES,
	STATE_GRANTS,
	STATE_GRANT_FRAME,
	STATE_END,
};

struct checkpoint_record {
	uint32_t type;
	uint32_t instance;
	uint32_t length; /* of what follows */
	uint32_t reserved;
};

struct state_header {
	uint32_t magic, version;
	uint32_t vcpus;
	uint32_t tsc_khz;
	uint64_t time; /* at the cut */
	uint64_t tsc;  /* the guest's, at the same moment */
};

#define STATE_PARAMS                 39 /* HVM_PARAM_* */
#define STATE_DOMAIN_SHUT_DOWN       1u
#define STATE_DOMAIN_RUNSTATE_UPDATE 2u /* vm_assist 5 */
#define STATE_DOMAIN_NARROW          4u /* what it shares is laid out for a 32-bit kernel */
struct state_domain {
	uint32_t flags;
	uint32_t shutdown_code;
	int64_t time_offset; /* seconds of its wall clock */
	uint64_t shared_info_gfn;
	uint64_t params[STATE_PARAMS];
};

struct state_segment {
	uint16_t selector, attributes;
	uint32_t limit;
	uint64_t base;
};

#define STATE_VCPU_UP         1u
#define STATE_VCPU_STARTABLE  2u /* a start-up IPI will be heard */
#define STATE_VCPU_NMI        4u /* pending */
#define STATE_VCPU_SHADOW     8u /* of STI or MOV SS */
#define STATE_VCPU_INJECTION  16u
#define STATE_INJECTION_ERROR 1u
#define STATE_SEGMENTS        10 /* ES CS SS DS FS GS LDTR TR GDTR IDTR */
#define STATE_MSRS            10 /* 174-176, STAR, LSTAR, CSTAR, SFMASK, KERNEL_GS_BASE, PAT, TSC_AUX */
struct state_vcpu {
	uint32_t flags;
	uint32_t runstate_split; /* bytes of the area's first part; 0: none is registered */
	uint64_t regs[18];       /* rax rcx rdx rbx rsp rbp rsi rdi r8..r15 rip rflags */
	uint64_t cr0, cr2, cr3, cr4, efer;
	uint64_t debug[6]; /* DR0..DR3, DR6, DR7 */
	struct state_segment segments[STATE_SEGMENTS];
	uint64_t msrs[STATE_MSRS];
	uint8_t injection_kind, injection_vector, injection_flags, reserved;
	uint32_t injection_error;
	uint64_t info_gfn; /* the registered vcpu_info; STATE_NO_GFN: in shared info */
	uint64_t info_offset;
	uint64_t runstate_area[2];  /* guest-physical */
	uint64_t runstate_times[4]; /* running, runnable, blocked, offline */
	uint64_t singleshot;        /* when the timer is due; 0: it is not set */
	uint64_t period, periodic;  /* the same for the periodic one */
};

/* XCR0, then the area as XSAVE lays it out (or, without XSAVE, the 512 bytes of FXSAVE). */
struct state_xstate {
	uint64_t xcr0;
	uint8_t area[];
};

struct state_lapic {
	uint64_t base, icr;
	uint32_t svr, ldr, dfr, esr, icr_high, tpr;
	uint32_t lvt[6];
	uint32_t initial_count, divide;
	uint64_t irr[4], isr[4];
	uint64_t counted; /* ns since the timer was started */
};

#define STATE_FIFO_PAGES 128
struct state_events {
	uint32_t fifo;  /* 0: the two-level form */
	uint32_t pages; /* of words */
	uint64_t gfns[STATE_FIFO_PAGES];
};

enum state_port_kind {
	STATE_PORT_FREE, /* but it stands in a queue */
	STATE_PORT_UNBOUND,
	STATE_PORT_INTERDOMAIN, /* within the domain: peer is the other port */
	STATE_PORT_VIRQ,
	STATE_PORT_IPI,
};
struct state_port {
	uint32_t port;
	uint32_t peer; /* domain that it waits for, VIRQ, or port */
	uint16_t vcpu, queue_vcpu;
	uint8_t kind, priority, queue_priority, early;
};
struct state_ports {
	uint32_t count, reserved;
	struct state_port ports[];
};

struct state_queues {
	uint64_t control_gfn; /* STATE_NO_GFN: not set up */
	uint32_t offset, reserved;
	uint32_t tails[16];
};

struct state_grants {
	uint32_t frames, reserved;
	uint64_t gfns[]; /* where the guest has each */
};

_Static_assert(sizeof(struct checkpoint_record) == 16, "state records");
_Static_assert(sizeof(struct state_header) == 32, "state records");
_Static_assert(sizeof(struct state_domain) == 336, "state records");
_Static_assert(sizeof(struct state_vcpu) == 576, "state records");
_Static_assert(sizeof(struct state_lapic) == 144, "state records");
_Static_assert(sizeof(struct state_port) == 16, "state records");
_Static_assert(sizeof(struct state_queues) == 80, "state records");

#endif
