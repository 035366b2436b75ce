/* The ticket that makes a spin lock fair: what both kinds of locks, checked and not, are made of. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_HW_TICKET_H
#define XEN_CORE_HW_TICKET_H

#include "hw/cpu.h"
#include "hw/ipi.h"
#include "hw/lock.h"

/* Fails if the lock is held, or others have drawn before. */
static inline bool ticket_try(struct lock *lock)
{
	uint16_t ticket = __atomic_load_n(&lock->serving, __ATOMIC_ACQUIRE);

	return __atomic_compare_exchange_n(&lock->next, &ticket, (uint16_t)(ticket + 1), false,
	                                   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/*
 * A CPU that spins serves the others' calls, so that none waits for a CPU that waits for it. But not
 * for the highest locks: what is called may itself print, and would queue behind its own CPU's
 * ticket. Nobody calls with one of these held.
 */
static inline void ticket_wait(const struct lock *lock, struct cpu *cpu)
{
	if (lock->level < LOCK_IPI)
		ipi_serve(cpu);
	cpu_relax();
}

/*
 * A CPU that is not real may have lost its processor just when its turn comes, and all behind it would wait for it: there, who
 * runs when the lock is free takes it.
 */
static inline void ticket_take(struct lock *lock, struct cpu *cpu)
{
	uint16_t ticket;

	if (ticket_try(lock))
		return;
	if (cpu_has(CPU_HYPERVISOR)) {
		while (!ticket_try(lock))
			ticket_wait(lock, cpu);
		return;
	}
	ticket = __atomic_fetch_add(&lock->next, 1, __ATOMIC_RELAXED);
	while (__atomic_load_n(&lock->serving, __ATOMIC_ACQUIRE) != ticket)
		ticket_wait(lock, cpu);
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
