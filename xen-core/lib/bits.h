/* Bit sets in arrays of unsigned long, plain and atomic. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_LIB_BITS_H
#define XEN_CORE_LIB_BITS_H

#include "lib/types.h"

#define BITS_PER_LONG    64
#define BITS_TO_LONGS(n) (((n) + BITS_PER_LONG - 1) / BITS_PER_LONG)

static inline bool bit_test(unsigned long n, const volatile unsigned long *words)
{
	return words[n / BITS_PER_LONG] >> (n % BITS_PER_LONG) & 1;
}

static inline void bit_set(unsigned long n, unsigned long *words)
{
	words[n / BITS_PER_LONG] |= BIT(n % BITS_PER_LONG);
}

static inline void bit_clear(unsigned long n, unsigned long *words)
{
	words[n / BITS_PER_LONG] &= ~BIT(n % BITS_PER_LONG);
}

/* The atomic forms are full barriers and return the bit's value before. */
static inline bool bit_test_and_set(unsigned long n, volatile unsigned long *words)
{
	unsigned long mask = BIT(n % BITS_PER_LONG);

	return __atomic_fetch_or(&words[n / BITS_PER_LONG], mask, __ATOMIC_SEQ_CST) & mask;
}

static inline bool bit_test_and_clear(unsigned long n, volatile unsigned long *words)
{
	unsigned long mask = BIT(n % BITS_PER_LONG);

	return __atomic_fetch_and(&words[n / BITS_PER_LONG], ~mask, __ATOMIC_SEQ_CST) & mask;
}

static inline unsigned bit_lowest(unsigned long word)
{
	return (unsigned)__builtin_ctzl(word);
}

static inline unsigned bit_highest(unsigned long word)
{
	return BITS_PER_LONG - 1 - (unsigned)__builtin_clzl(word);
}

#endif
