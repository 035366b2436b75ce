/* What a 32-bit test guest has beyond lib/guest.h: paging modes, upcalls, the machine's registers. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_GUESTS_LIB_NARROW_MACHINE_H
#define TESTS_GUESTS_LIB_NARROW_MACHINE_H

#include "lib/guest.h"

/* The ways in which 32-bit code addresses memory; each address is at its own number in all of them. */
enum paging { PAGING_OFF, PAGING_32BIT, PAGING_PAE, PAGING_MODES };
void paging_set(enum paging mode);

#define UPCALL_VECTOR 0x30

/* The test's: called at the vector, with interrupts off. */
void guest_upcall(void);

void wrmsr(uint32_t index, uint64_t value);
uint64_t rdtsc(void);
void cpuid(uint32_t leaf, uint32_t r[4]);

#endif
