/* The machine's memory as the firmware described it, and what the boot loader left in it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_MM_MEMORY_MAP_H
#define XEN_CORE_MM_MEMORY_MAP_H

#include "lib/types.h"

#define MEMORY_MAP_MAX 128

enum memory_type {
	MEMORY_RAM = 1,
	MEMORY_RESERVED = 2,
	MEMORY_ACPI = 3,
	MEMORY_NVS = 4,
	MEMORY_BAD = 5
};

struct memory_range {
	paddr_t start, end; /* bytes, end excluded */
	uint32_t type;      /* enum memory_type, e820's numbers */
};

/* Sorted, without overlaps (the more reserved type won). RAM edges are page aligned inwards. */
struct memory_map {
	unsigned count;
	struct memory_range ranges[MEMORY_MAP_MAX];
};

extern struct memory_map memory_map;

/* Sorts and repairs what the boot loader said. */
void memory_map_sanitise(struct memory_map *map);

paddr_t memory_map_top(void); /* end of the highest RAM */

#endif
