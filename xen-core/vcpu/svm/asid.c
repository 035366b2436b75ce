/* Address space tags: each vCPU gets one per CPU and generation; a new one is its flush. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "hw/percpu.h"
#include "p2m/flush.h"
#include "vcpu/svm/svm_vcpu.h"

/* ASID 0 is the host's. When a CPU has handed out all of its tags, the whole TLB is flushed and
 * it starts again; vCPUs that hold old ones see by the round that they need another. */
struct asid_pool {
	uint32_t count, next;
	uint64_t round; /* moves on with every wrap */
};

static struct asid_pool pools[MAX_CPUS];

void svm_asid_init(struct cpu *cpu, uint32_t count)
{
	pools[cpu->id] = (struct asid_pool){ .count = count, .next = 1, .round = 1 };
}

/* Both parts only grow, so their sum names the pair: it changes when either does. */
static uint64_t current_generation(const struct cpu *cpu)
{
	return p2m_flush_generation(cpu->id) + pools[cpu->id].round;
}

void svm_asid_refresh(struct vcpu *vcpu)
{
	struct svm_vcpu *svm = svm_of(vcpu);
	struct cpu *cpu = this_cpu();
	struct asid_pool *pool = &pools[cpu->id];

	svm->vmcb->tlb_control = 0;
	if (svm->asid_cpu == cpu && svm->asid_generation == current_generation(cpu))
		return;
	if (pool->next >= pool->count) {
		pool->next = 1;
		pool->round++;
		svm->vmcb->tlb_control = TLB_FLUSH_ALL;
	}
	svm->vmcb->asid = pool->next++;
	svm->asid_cpu = cpu;
	svm->asid_generation = current_generation(cpu);
}
