/* The run loop of each CPU: pick a vCPU, enter it, serve its exit; idle when there is none. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "run/run.h"

#include "hw/cpu.h"
#include "hw/interrupt.h"
#include "hw/percpu.h"
#include "hypercall/hypercall.h"
#include "lib/assert.h"
#include "run/exit.h"
#include "sched/sched.h"
#include "vcpu/loaded.h"
#include "vcpu/ops.h"
#include "vcpu/runstate.h"
#include "vcpu/xstate.h"

void run_cpu_init(struct cpu *cpu)
{
	sched_cpu_init(cpu);
	xstate_cpu_init();
	if (vcpu_ops->cpu_init(cpu))
		fatal("no memory to start virtualisation on CPU %u\n", cpu->id);
	interrupt_use_stacks(false);
}

/*
 * Emulated CPUs only. QEMU 7 changes a word of flags at each exit without a lock: if another thread
 * sets one there at that moment, an interrupt waits in the APIC and the CPU does not know of it. It
 * would enter the guest with it, and if nothing else came, stay there. A write of the priority has the
 * APIC look again.
 */
static void find_forgotten_interrupt(void)
{
	if (cpu_has(CPU_HYPERVISOR))
		asm volatile("mov %0, %%cr8" ::"r"(0UL));
}

/* Pending physical interrupts are taken here and when idle, nowhere else; no lock is held. */
static void interrupt_window(void)
{
	asm volatile("sti; nop; cli" ::: "memory");
}

/* Not if the CPU kicked itself since it last picked: no interrupt comes of that. */
static void idle(const struct cpu *cpu)
{
	if (__atomic_load_n(&cpu->kicked, __ATOMIC_SEQ_CST))
		return;
	find_forgotten_interrupt();
	asm volatile("sti; hlt; cli" ::: "memory");
}

/* The guest's copy of the runstate is true from the moment that a vCPU stops, for others may look. */
static struct vcpu *switch_vcpu(struct cpu *cpu)
{
	struct vcpu *last = cpu->current;
	struct vcpu *next;

	__atomic_store_n(&cpu->kicked, false, __ATOMIC_SEQ_CST);
	next = sched_pick(cpu);
	if (last && last != next) {
		runstate_publish(last);
		sched_left(last);
	}
	return next;
}

static void note_exit(struct vcpu *vcpu, const struct cpu *cpu, const struct vm_exit *exit)
{
	vcpu->exit_notes[vcpu->exits++ % EXIT_NOTES] = (struct exit_note){
		.reason = exit->reason, .rip = vcpu->regs.rip, .tsc = rdtsc(), .cpu = cpu->id
	};
}

/* Pages that dom0 takes out one by one are flushed together, before it does anything else. */
static void settle(struct vcpu *vcpu, const struct vm_exit *exit)
{
	bool goes_on = exit->kind == EXIT_HYPERCALL && hypercall_is_removal(vcpu);

	if (p2m_is_unsettled(vcpu->p2m) && !goes_on)
		p2m_settle(vcpu->p2m);
}

static bool must_pick(const struct cpu *cpu)
{
	return !cpu->current || __atomic_load_n(&cpu->kicked, __ATOMIC_SEQ_CST) ||
	       !sched_is_runnable(cpu->current);
}

void run_cpu(struct cpu *cpu)
{
	for (;;) {
		struct vm_exit exit;
		struct vcpu *vcpu = cpu->current;

		if (must_pick(cpu)) {
			vcpu = switch_vcpu(cpu);
			if (!vcpu) {
				idle(cpu);
				continue;
			}
			vcpu_load(vcpu);
			runstate_publish(vcpu);
			continue; /* the one that left may have been woken meanwhile and want its turn */
		}
		inject_pending(vcpu);
		__atomic_store_n(&cpu->in_guest, true, __ATOMIC_SEQ_CST);
		vcpu_ops->run(vcpu, &exit);
		__atomic_store_n(&cpu->in_guest, false, __ATOMIC_RELEASE);
		find_forgotten_interrupt();
		note_exit(vcpu, cpu, &exit);
		settle(vcpu, &exit);
		if (exit.kind == EXIT_INTERRUPT)
			interrupt_window();
		else
			exit_serve(vcpu, &exit);
	}
}
