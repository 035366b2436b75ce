/* The run loop of each CPU: pick a vCPU, enter it, serve its exit; idle when there is none. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "run/run.h"

#include "hw/cpu.h"
#include "hw/interrupt.h"
#include "hw/percpu.h"
#include "lib/assert.h"
#include "lib/bits.h"
#include "run/exit.h"
#include "sched/sched.h"
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

/* Registers that stay in the CPU between exits change hands only when another vCPU comes. */
static void switch_to(struct cpu *cpu, struct vcpu *vcpu)
{
	if (cpu->loaded == vcpu)
		return;
	if (cpu->loaded) {
		vcpu_ops->unload(cpu->loaded);
		xstate_save(cpu->loaded);
	}
	cpu->loaded = vcpu;
	bit_test_and_set(cpu->id, &vcpu->p2m->cpus);
	vcpu_ops->load(vcpu);
	xstate_load(vcpu);
}

/* Pending physical interrupts are taken here and when idle, nowhere else; no lock is held. */
static void interrupt_window(void)
{
	asm volatile("sti; nop; cli" ::: "memory");
}

static void idle(void)
{
	asm volatile("sti; hlt; cli" ::: "memory");
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
			__atomic_store_n(&cpu->kicked, false, __ATOMIC_SEQ_CST);
			vcpu = sched_pick(cpu);
			if (!vcpu) {
				idle();
				continue;
			}
			switch_to(cpu, vcpu);
			runstate_publish(vcpu);
		}
		inject_pending(vcpu);
		vcpu_ops->run(vcpu, &exit);
		if (exit.kind == EXIT_INTERRUPT)
			interrupt_window();
		else
			exit_serve(vcpu, &exit);
	}
}
