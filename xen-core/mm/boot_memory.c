/* RAM that is in use before the frame allocator works, and for good or for a while after. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "mm/boot_memory.h"

#include "lib/assert.h"
#include "lib/string.h"
#include "mm/host_map.h"
#include "mm/memory_map.h"

/* What is taken grows downwards from few places, so that it stays in few ranges. */
#define RANGES_MAX 64

struct range {
	paddr_t start, end;
};

static struct range reserved[RANGES_MAX];
static unsigned reserved_count;

void boot_memory_reserve(paddr_t start, paddr_t end)
{
	start = ALIGN_DOWN(start, PAGE_SIZE);
	end = ALIGN_UP(end, PAGE_SIZE);
	for (unsigned i = 0; i < reserved_count; i++)
		if (reserved[i].start == end) {
			reserved[i].start = start;
			return;
		}
	ASSERT(reserved_count < RANGES_MAX);
	reserved[reserved_count++] = (struct range){ start, end };
}

/* The highest reserved range that overlaps [start, end), or NULL. */
static const struct range *highest_overlap(paddr_t start, paddr_t end)
{
	const struct range *found = NULL;

	for (unsigned i = 0; i < reserved_count; i++)
		if (reserved[i].start < end && reserved[i].end > start &&
		    (!found || reserved[i].start > found->start))
			found = &reserved[i];
	return found;
}

/* The highest start of `size` free bytes in [start, end); 0 if there is none: page 0 is never. */
static paddr_t find_in(paddr_t start, paddr_t end, uint64_t size)
{
	while (end > start && end - start >= size) {
		const struct range *overlap = highest_overlap(end - size, end);

		if (!overlap)
			return end - size;
		end = overlap->start;
	}
	return 0;
}

paddr_t boot_memory_take(uint64_t size, paddr_t limit)
{
	size = ALIGN_UP(size, PAGE_SIZE);
	for (unsigned i = memory_map.count; i-- > 0;) {
		const struct memory_range *range = &memory_map.ranges[i];
		paddr_t start;

		if (range->type != MEMORY_RAM || range->start >= limit)
			continue;
		start = find_in(range->start, MIN(range->end, limit), size);
		if (start) {
			boot_memory_reserve(start, start + size);
			memset(paddr_to_virt(start), 0, size);
			return start;
		}
	}
	fatal("no %lu KiB of free memory for the hypervisor's tables\n", size >> 10);
}

/* The lowest start of a reserved range in [start, end), or end. */
static paddr_t first_reserved(paddr_t start, paddr_t end)
{
	for (unsigned i = 0; i < reserved_count; i++)
		if (reserved[i].start >= start && reserved[i].start < end)
			end = reserved[i].start;
	return end;
}

static paddr_t skip_reserved(paddr_t start)
{
	for (unsigned i = 0; i < reserved_count; i++)
		if (reserved[i].start <= start && reserved[i].end > start)
			return skip_reserved(reserved[i].end);
	return start;
}

bool boot_memory_next_free(paddr_t from, paddr_t *start, paddr_t *end)
{
	for (unsigned i = 0; i < memory_map.count; i++) {
		const struct memory_range *range = &memory_map.ranges[i];

		if (range->type != MEMORY_RAM)
			continue;
		*start = skip_reserved(MAX(range->start, from));
		if (*start < range->end) {
			*end = first_reserved(*start, range->end);
			return true;
		}
	}
	return false;
}
