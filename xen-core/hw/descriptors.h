/* The CPU's descriptor tables: segments, the task state with its interrupt stacks, interrupt gates. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_HW_DESCRIPTORS_H
#define XEN_CORE_HW_DESCRIPTORS_H

#include "lib/types.h"

/* Selectors; the first two are those of boot/head.S as well. */
#define SELECTOR_CODE 0x08
#define SELECTOR_DATA 0x10
#define SELECTOR_TSS  0x18

struct descriptor_pointer {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

/* The tables of this CPU: made and loaded. */
void descriptors_load(void);

struct gate {
	uint64_t words[2];
};

/* An interrupt gate to ring 0 code; stack: of the interrupt stack table, 0: the stack in use. */
struct gate descriptors_gate(const void *entry, unsigned stack);

#endif
