/* Registers that stay in a CPU between exits change hands only when another vCPU comes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "vcpu/loaded.h"

#include "hw/ipi.h"
#include "hw/percpu.h"
#include "lib/bits.h"
#include "vcpu/ops.h"
#include "vcpu/xstate.h"

static void unload_here(struct cpu *cpu)
{
	struct vcpu *vcpu = cpu->loaded;

	vcpu_ops->unload(vcpu);
	xstate_save(vcpu);
	cpu->loaded = NULL;
	vcpu->loaded_on = NULL;
}

void vcpu_load(struct vcpu *vcpu)
{
	struct cpu *cpu = this_cpu();

	if (cpu->loaded == vcpu)
		return;
	if (cpu->loaded)
		unload_here(cpu);
	/* It may have run elsewhere and left its registers there. */
	vcpu_unload(vcpu);
	cpu->loaded = vcpu;
	vcpu->loaded_on = cpu;
	bit_test_and_set(cpu->id, &vcpu->p2m->cpus);
	vcpu_ops->load(vcpu);
	xstate_load(vcpu);
}

static void unload_if_here(void *arg)
{
	struct cpu *cpu = this_cpu();

	if (cpu->loaded == arg)
		unload_here(cpu);
}

void vcpu_unload(struct vcpu *vcpu)
{
	struct cpu *cpu = vcpu->loaded_on;

	if (!cpu)
		return;
	if (cpu == this_cpu())
		unload_if_here(vcpu);
	else
		ipi_call(BIT(cpu->id), unload_if_here, vcpu);
}
