/* Forgetting translations by moving each CPU's generation on. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "p2m/flush.h"

#include "hw/ipi.h"
#include "hw/percpu.h"

/* Each is written by its own CPU only. 0 is never a generation that a vCPU has run under. */
static uint64_t generations[MAX_CPUS] = {[0 ... MAX_CPUS - 1] = 1};

static void move_on(void *unused)
{
	(void)unused;
	generations[this_cpu()->id]++;
}

/* The call interrupts a CPU in guest mode, so its next entry sees the new generation. */
void p2m_flush(unsigned long cpu_mask)
{
	if (cpu_mask)
		ipi_call(cpu_mask, move_on, NULL);
}

uint64_t p2m_flush_generation(unsigned cpu_id)
{
	return generations[cpu_id];
}
