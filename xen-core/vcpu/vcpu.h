/* A virtual CPU: registers and what every floor above hangs on it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_VCPU_VCPU_H
#define XEN_CORE_VCPU_VCPU_H

#include "abi/public.h"
#include "dirty/access.h"
#include "hw/lock.h"
#include "hw/timer.h"
#include "lib/list.h"
#include "lib/types.h"
#include "vcpu/exit.h"
#include "vcpu/layout.h"

struct cpu;
struct cpu_policy;
struct domain;
struct sched_share;
struct vlapic;

/* General registers in the order of their encoding, so that a decoder can index them. */
struct guest_regs {
	uint64_t rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi;
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rip, rflags;
};

/*
 * Control registers as the guest sees them. The backend refreshes them at every exit; to change
 * one use vcpu_ops->set_control, which tells the CPU.
 */
struct guest_control {
	uint64_t cr0, cr2, cr3, cr4, efer;
	uint8_t cpl;
	uint8_t tpr;           /* the local APIC's task priority; CR8 is its upper half */
	bool interrupt_shadow; /* the instruction after STI or MOV SS */
};

struct vcpu {
	unsigned id;
	uint32_t apic_id;
	struct domain *domain;
	struct p2m *p2m; /* the domain's; here because the floors below domain need it */

	struct guest_regs regs;       /* true while the vCPU is not in guest mode */
	struct guest_control control; /* likewise */
	void *backend;                /* the vendor backend's: VMCB, ... */
	void *xstate;                 /* FPU and XSAVE area while another vCPU has the CPU's */
	uint64_t xcr0;
	struct exit_note exit_notes[EXIT_NOTES]; /* a ring, of its CPU alone */
	unsigned exits;                          /* ever; the next note's place is its rest */
	struct cpu *loaded_on; /* CPU that may hold its registers, or NULL: vcpu/loaded.h */
	uint64_t
		time_offset; /* guest's system time less the host's, ns; the same for a domain's vCPUs */
	uint64_t tsc_offset;             /* guest's TSC less the CPU's */
	const struct cpu_policy *policy; /* the domain's CPUID; NULL: the default */

	/* Scheduling. Owned by sched/; others read. */
	struct cpu *cpu;           /* where it runs or last ran */
	struct list run_link;      /* in a run queue while runnable and not running */
	bool up;                   /* started, and not stopped by HLT with interrupts off */
	bool blocked;              /* HLT or poll: waits for a wake */
	bool running;              /* some CPU has it as current */
	uint32_t pauses;           /* counted reasons not to run (atomic) */
	uint64_t affinity;         /* CPUs it may run on, bit per id: hard */
	struct sched_share *share; /* its domain's */
	uint64_t virtual_time;     /* ns run, scaled by the weight */

	/* Interrupts: irq/. */
	struct vlapic *lapic;
	bool nmi_pending;
	bool waits_for_startup; /* INIT was received: a start-up IPI will be heard */

	/* Guest-visible per-vCPU memory: vcpu_op registers it. */
	const struct shared_layout *layout; /* the domain's, here for the floors below it */
	struct access_pin info_pin;         /* page of the registered vcpu_info */
	struct vcpu_info *info; /* registered or in shared info; a dummy before that: never NULL */
	struct vcpu_info early_info; /* the dummy */
	struct vcpu_runstate_info runstate;
	uint32_t runstate_version; /* odd while runstate is being changed */
	bool runstate_update_flag; /* the domain's vm_assist 5, here for the same floor */
	paddr_t runstate_area[2];  /* guest-physical fragments of the registered area */
	uint32_t runstate_split;   /* bytes in the first fragment; 0: not registered */

	/* One-shot and periodic timers of the Xen ABI raise VIRQ_TIMER: event/. */
	struct timer singleshot;
	struct timer periodic;
	uint64_t period; /* nanoseconds; 0: the periodic timer is off */
	struct timer poll_timer;
	struct lock event_lock; /* LOCK_VCPU: poll state, virq ports */
	evtchn_port_t
		virq_port[NR_VIRQS]; /* per-vCPU VIRQs; global ones stand in vCPU 0; 0: unbound */
	evtchn_port_t
		poll_ports[8]; /* SCHEDOP_poll: ports it waits for; more than 8: wakes on any */
	unsigned poll_count;   /* 0: not polling */
	void *fifo;            /* event/port_fifo.c: the vCPU's control block */
};

/* The vCPU on this CPU, or NULL. */
struct vcpu *this_vcpu(void);

#endif
