/* Memory and string primitives, with the meaning C gives them. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "lib/string.h"

#include <stdint.h>

/* Copies and fills are the CPU's own string instructions: the compiler cannot turn them back into a
 * call of the function they stand in. Eight bytes at a time: emulators do not know that bytes could
 * be as quick. */

void *memcpy(void *dst, const void *src, size_t n)
{
	void *to = dst;
	size_t words = n / 8;

	n %= 8;
	asm volatile("rep movsq" : "+D"(to), "+S"(src), "+c"(words)::"memory");
	asm volatile("rep movsb" : "+D"(to), "+S"(src), "+c"(n)::"memory");
	return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
	const char *from = (const char *)src + n - 1;
	char *to = (char *)dst + n - 1;

	if ((uintptr_t)dst - (uintptr_t)src >= n)
		return memcpy(dst, src, n);
	asm volatile("std; rep movsb; cld" : "+D"(to), "+S"(from), "+c"(n)::"memory");
	return dst;
}

void *memset(void *dst, int c, size_t n)
{
	void *to = dst;
	uint64_t pattern = (uint8_t)c * 0x0101010101010101UL;
	size_t words = n / 8;

	n %= 8;
	asm volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(pattern) : "memory");
	asm volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(pattern) : "memory");
	return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const unsigned char *x = a, *y = b;

	for (; n; n--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

size_t strlen(const char *s)
{
	const char *end = s;

	while (*end)
		end++;
	return (size_t)(end - s);
}

int strcmp(const char *a, const char *b)
{
	return strncmp(a, b, SIZE_MAX);
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n; n--, a++, b++)
		if (*a != *b || !*a)
			return (unsigned char)*a - (unsigned char)*b;
	return 0;
}

char *strchr(const char *s, int c)
{
	for (;; s++) {
		if (*s == (char)c)
			return (char *)(uintptr_t)s;
		if (!*s)
			return NULL;
	}
}
