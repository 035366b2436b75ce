/* Names for code addresses, from the table that the build generates. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "lib/symbols.h"

/* See xen-core/symbols.sh. */
extern const uint32_t symbol_count, symbol_offsets[], symbol_names[];
extern const char symbol_strings[];

extern const char __image_start[], __text_start[], __text_end[];

/* The last function that begins at or before the offset; there is one. */
static uint32_t find_last(uint32_t offset)
{
	uint32_t low = 0, high = symbol_count;

	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (symbol_offsets[middle] <= offset)
			low = middle;
		else
			high = middle;
	}
	return low;
}

const char *symbol_find(uint64_t address, uint64_t *offset)
{
	uint64_t from_start = address - (uint64_t)__image_start;
	uint32_t i;

	if (address < (uint64_t)__text_start || address >= (uint64_t)__text_end)
		return NULL;
	if (!symbol_count || from_start < symbol_offsets[0])
		return NULL;
	i = find_last((uint32_t)from_start);
	*offset = from_start - symbol_offsets[i];
	return symbol_strings + symbol_names[i];
}
