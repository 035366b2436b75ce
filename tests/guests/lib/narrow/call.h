/* A hypercall from 32-bit code. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_GUESTS_LIB_NARROW_CALL_H
#define TESTS_GUESTS_LIB_NARROW_CALL_H

#include <stdbool.h>

extern bool is_amd; /* which of the two instructions it is */

static inline long hypercall(unsigned long number, unsigned long a, unsigned long b,
                             unsigned long c, unsigned long d, unsigned long e)
{
	if (is_amd)
		asm volatile("vmmcall"
		             : "+a"(number), "+b"(a), "+c"(b), "+d"(c), "+S"(d), "+D"(e)
		             :
		             : "memory");
	else
		asm volatile("vmcall"
		             : "+a"(number), "+b"(a), "+c"(b), "+d"(c), "+S"(d), "+D"(e)
		             :
		             : "memory");
	return (long)number;
}

#endif
