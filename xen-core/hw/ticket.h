/* The ticket that makes a spin lock fair: what both kinds of locks, checked and not, are made of. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_HW_TICKET_H
#define XEN_CORE_HW_TICKET_H

#include "hw/cpu.h"
#include "hw/ipi.h"
#include "hw/lock.h"

/*
 * A CPU that spins serves the others' calls, so that none waits for a CPU that waits for it. But not
 * for the highest locks: what is called may itself print, and would queue behind its own CPU's
 * ticket. Nobody calls with one of these held.
 */
static inline void ticket_take(struct lock *lock, struct cpu *cpu)
{
	uint16_t ticket = __atomic_fetch_add(&lock->next, 1, __ATOMIC_RELAXED);

	while (__atomic_load_n(&lock->serving, __ATOMIC_ACQUIRE) != ticket) {
		if (lock->level < LOCK_IPI)
			ipi_serve(cpu);
		cpu_relax();
	}
}

static inline void ticket_release(struct lock *lock)
{
	__atomic_store_n(&lock->serving, (uint16_t)(lock->serving + 1), __ATOMIC_RELEASE);
}

static inline bool ticket_is_taken(const struct lock *lock)
{
	return __atomic_load_n(&lock->serving, __ATOMIC_RELAXED) !=
	       __atomic_load_n(&lock->next, __ATOMIC_RELAXED);
}

#endif
