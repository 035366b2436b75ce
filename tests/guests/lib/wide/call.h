/* A hypercall from 64-bit code. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_GUESTS_LIB_WIDE_CALL_H
#define TESTS_GUESTS_LIB_WIDE_CALL_H

#include <stdbool.h>

extern bool is_amd; /* which of the two instructions it is */

static inline long hypercall(unsigned long number, unsigned long a, unsigned long b,
                             unsigned long c, unsigned long d, unsigned long e)
{
	register unsigned long r10 asm("r10") = d;
	register unsigned long r8 asm("r8") = e;

	if (is_amd)
		asm volatile("vmmcall"
		             : "+a"(number), "+D"(a), "+S"(b), "+d"(c), "+r"(r10), "+r"(r8)
		             :
		             : "memory");
	else
		asm volatile("vmcall"
		             : "+a"(number), "+D"(a), "+S"(b), "+d"(c), "+r"(r10), "+r"(r8)
		             :
		             : "memory");
	return (long)number;
}

#endif
