/* What trespassers write where they should not be, so that a test can look for it there. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_HOSTS_PROGRAMS_MARK_H
#define TESTS_HOSTS_PROGRAMS_MARK_H

#include <stdint.h>

#define MARK_STEP 1024 /* bytes from one mark to the next; test_isolation.py knows it, too */

/* Depends on the place: the same number in a register that was saved elsewhere is no mark. */
static inline uint32_t mark_of(uint64_t address)
{
	return (uint32_t)address ^ 0x72656d75;
}

/* By plain moves: what the hypervisor may serve, unlike what a compiler makes of C's accesses. */
static inline uint32_t mark_read(uintptr_t address)
{
	uint32_t value;

	asm volatile("movl (%1), %0" : "=r"(value) : "r"(address) : "memory");
	return value;
}

static inline void mark_write(uintptr_t address, uint32_t value)
{
	asm volatile("movl %0, (%1)" : : "r"(value), "r"(address) : "memory");
}

#endif
