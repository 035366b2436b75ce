/* Forgetting translations by moving each CPU's generation on. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "p2m/flush.h"

#include "hw/ipi.h"
#include "hw/percpu.h"

/* 0 is never a generation that a vCPU has run under. */
static uint64_t generations[MAX_CPUS] = { [0 ... MAX_CPUS - 1] = 1 };

static void nothing(void *unused)
{
	(void)unused;
}

/*
 * A CPU says that it enters guest mode before it reads its generation, and we move the generation on
 * before we look whether it is there: so either it sees the new one, or we see it in guest mode and
 * the call takes it out.
 */
void p2m_flush(unsigned long cpu_mask)
{
	unsigned long in_guest = 0;

	for (unsigned i = 0; i < cpu_count; i++) {
		if (!(cpu_mask >> i & 1))
			continue;
		__atomic_fetch_add(&generations[i], 1, __ATOMIC_SEQ_CST);
		if (__atomic_load_n(&cpus[i]->in_guest, __ATOMIC_SEQ_CST))
			in_guest |= BIT(i);
	}
	if (in_guest)
		ipi_call(in_guest, nothing, NULL);
}

void p2m_flush_here(void)
{
	__atomic_fetch_add(&generations[this_cpu()->id], 1, __ATOMIC_SEQ_CST);
}

uint64_t p2m_flush_generation(unsigned cpu_id)
{
	return __atomic_load_n(&generations[cpu_id], __ATOMIC_SEQ_CST);
}
