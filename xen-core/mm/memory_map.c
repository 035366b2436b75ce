/* The machine's memory as the firmware described it, sorted and repaired. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "mm/memory_map.h"

struct memory_map memory_map;

/* Where two ranges overlap the one that allows less counts. What has a type that we do not know is
 * not ours to touch. */
static unsigned rank(uint32_t type)
{
	switch (type) {
	case MEMORY_RAM:
		return 1;
	case MEMORY_ACPI:
		return 2;
	case MEMORY_NVS:
		return 3;
	case MEMORY_BAD:
		return 5;
	default:
		return 4;
	}
}

static uint32_t known_type(uint32_t type)
{
	return type >= MEMORY_RAM && type <= MEMORY_BAD ? type : MEMORY_RESERVED;
}

/* The type of what lies at the address; 0: no range does. */
static uint32_t type_at(const struct memory_map *map, paddr_t address)
{
	uint32_t type = 0;

	for (unsigned i = 0; i < map->count; i++) {
		const struct memory_range *range = &map->ranges[i];

		if (address >= range->start && address < range->end &&
		    (!type || rank(range->type) > rank(type)))
			type = known_type(range->type);
	}
	return type;
}

/* The first edge of any range behind the address; 0: there is none. */
static paddr_t next_edge(const struct memory_map *map, paddr_t address)
{
	paddr_t next = 0;

	for (unsigned i = 0; i < map->count; i++) {
		paddr_t edges[] = { map->ranges[i].start, map->ranges[i].end };

		for (unsigned j = 0; j < 2; j++)
			if (edges[j] > address && (!next || edges[j] < next))
				next = edges[j];
	}
	return next;
}

/* Behind the last range, or as its continuation; RAM in whole pages only. */
static void append(struct memory_map *map, struct memory_range range)
{
	struct memory_range *last = map->count ? &map->ranges[map->count - 1] : NULL;

	if (range.type == MEMORY_RAM) {
		range.start = ALIGN_UP(range.start, PAGE_SIZE);
		range.end = ALIGN_DOWN(range.end, PAGE_SIZE);
	}
	if (range.start >= range.end)
		return;
	if (last && last->end == range.start && last->type == range.type)
		last->end = range.end;
	else if (map->count < MEMORY_MAP_MAX)
		map->ranges[map->count++] = range;
}

/* The first piece [start, end) from `address` on that is of one type; false behind the last. */
static bool next_piece(const struct memory_map *map, paddr_t address, struct memory_range *piece)
{
	paddr_t end;

	piece->type = type_at(map, address);
	while (!piece->type) {
		address = next_edge(map, address);
		if (!address)
			return false;
		piece->type = type_at(map, address);
	}
	piece->start = address;
	end = next_edge(map, address);
	while (end && type_at(map, end) == piece->type)
		end = next_edge(map, end);
	piece->end = end;
	return true;
}

void memory_map_sanitise(struct memory_map *map)
{
	static struct memory_map sane; /* 3 KiB: too much for a stack */
	struct memory_range piece = { .end = 0 };

	sane.count = 0;
	while (next_piece(map, piece.end, &piece))
		append(&sane, piece);
	*map = sane;
}

paddr_t memory_map_top(void)
{
	paddr_t top = 0;

	for (unsigned i = 0; i < memory_map.count; i++)
		if (memory_map.ranges[i].type == MEMORY_RAM)
			top = memory_map.ranges[i].end;
	return top;
}
