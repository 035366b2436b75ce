/* Reading and writing little-endian numbers at any address, aligned or not. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XEN_CORE_LIB_BYTES_H
#define XEN_CORE_LIB_BYTES_H

#include <stdint.h>

/* xen-core only runs on x86, which is little-endian: a copy is the whole conversion. */

static inline uint16_t load_le16(const void *from)
{
	uint16_t value;

	__builtin_memcpy(&value, from, sizeof(value));
	return value;
}

static inline uint32_t load_le32(const void *from)
{
	uint32_t value;

	__builtin_memcpy(&value, from, sizeof(value));
	return value;
}

static inline uint64_t load_le64(const void *from)
{
	uint64_t value;

	__builtin_memcpy(&value, from, sizeof(value));
	return value;
}

static inline void store_le32(void *to, uint32_t value)
{
	__builtin_memcpy(to, &value, sizeof(value));
}

static inline void store_le64(void *to, uint64_t value)
{
	__builtin_memcpy(to, &value, sizeof(value));
}

#endif
