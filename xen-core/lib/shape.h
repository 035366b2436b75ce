/* Structures that 64-bit and 32-bit code lay out differently: tables of their fields, and the translation. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_LIB_SHAPE_H
#define XEN_CORE_LIB_SHAPE_H

#include "lib/types.h"

/* Where a field stands and how many bytes it has, in the wide (64-bit) and in the narrow (32-bit) form. */
struct shape_field {
	uint8_t wide_at, wide_size, narrow_at, narrow_size;
};

/* A structure, at most SHAPE_MAX bytes; without fields it looks the same in both forms. */
struct shape {
	uint8_t wide, narrow; /* bytes */
	uint8_t count;
	const struct shape_field *fields;
};

#define SHAPE_MAX 64

#define SHAPE_FIELD(wide_type, narrow_type, name)                                                  \
	{                                                                                          \
		offsetof(wide_type, name), sizeof(((wide_type *)NULL)->name),                      \
			offsetof(narrow_type, name), sizeof(((narrow_type *)NULL)->name)           \
	}

#define SHAPE_OF(wide_type, narrow_type, table)                                                    \
	{                                                                                          \
		.wide = sizeof(wide_type), .narrow = sizeof(narrow_type),                          \
		.count = ARRAY_SIZE(table), .fields = (table)                                      \
	}

#define SHAPE_SAME(type)                                                                           \
	{                                                                                          \
		.wide = sizeof(type), .narrow = sizeof(type)                                       \
	}

/* The whole structure is written: numbers grow with zeros or lose their upper half, gaps become zero. */
void shape_widen(const struct shape *shape, void *wide, const void *narrow);
void shape_narrow(const struct shape *shape, void *narrow, const void *wide);

#endif
