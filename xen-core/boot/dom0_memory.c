/* dom0's memory: which frames it gets, mapped at their own addresses, and the map it is shown. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/boot_info.h"
#include "boot/dom0.h"
#include "hw/cpu.h"
#include "lib/assert.h"
#include "lib/options.h"
#include "lib/print.h"
#include "mm/frame.h"

/* What dom0 leaves by default: a sixteenth for the hypervisor and a first guest, within bounds. The
 * kernel is unpacked there, too. */
#define RESERVE_SHIFT 4
#define RESERVE_MIN   MIB(192)
#define RESERVE_MAX   MIB(1024)

static uint64_t wanted_pages(void)
{
	uint64_t unclaimed = frames_free() << PAGE_SHIFT;
	uint64_t reserve = MIN(MAX(unclaimed >> RESERVE_SHIFT, RESERVE_MIN), RESERVE_MAX);

	if (options.dom0_mem)
		return options.dom0_mem >> PAGE_SHIFT;
	return unclaimed > reserve ? (unclaimed - reserve) >> PAGE_SHIFT : 0;
}

static void add(struct memory_map *map, paddr_t start, paddr_t end, uint32_t type)
{
	struct memory_range *last = map->count ? &map->ranges[map->count - 1] : NULL;

	if (last && last->end == start && last->type == type) {
		last->end = end;
		return;
	}
	if (map->count == MEMORY_MAP_MAX)
		panic("dom0's memory map has more than %u ranges\n", MEMORY_MAP_MAX);
	map->ranges[map->count++] = (struct memory_range){ start, end, type };
}

/* The largest page that fits the alignment and the rest. */
static unsigned order_at(uint64_t frame, uint64_t end)
{
	static const unsigned orders[] = { P2M_ORDER_1G, P2M_ORDER_2M };

	for (unsigned i = 0; i < ARRAY_SIZE(orders); i++)
		if (!(frame & (BIT(orders[i]) - 1)) && frame + BIT(orders[i]) <= end &&
		    (orders[i] != P2M_ORDER_1G || cpu_has(CPU_PAGE_1G)))
			return orders[i];
	return P2M_ORDER_4K;
}

static void map_run(struct domain *domain, uint64_t first, uint64_t end)
{
	while (first < end) {
		unsigned order = order_at(first, end);

		if (p2m_map(&domain->p2m, GFN(first), MFN(first), order, P2M_RAM))
			fatal("no memory for dom0's page tables\n");
		first += BIT(order);
	}
}

static bool is_free(uint64_t frame)
{
	return frame_is_ram(MFN(frame)) && frame_owner(MFN(frame)) == DOMID_INVALID;
}

/* Claims the free frames of one range of RAM, run by run, up to the limit. */
static uint64_t claim_range(struct domain *domain, struct memory_map *map,
                            const struct memory_range *range, uint64_t limit)
{
	uint64_t frame = range->start >> PAGE_SHIFT, end = range->end >> PAGE_SHIFT, claimed = 0;

	while (frame < end && claimed < limit) {
		uint64_t first;

		while (frame < end && !is_free(frame))
			frame++;
		for (first = frame; frame < end && is_free(frame) && claimed < limit; frame++)
			claimed++;
		if (first == frame)
			continue;
		if (frame_claim(MFN(first), frame - first, domain->id))
			panic("frames from %#lx are not free\n", first);
		map_run(domain, first, frame);
		add(map, first << PAGE_SHIFT, frame << PAGE_SHIFT, MEMORY_RAM);
	}
	return claimed;
}

uint64_t dom0_memory_claim(struct domain *domain, struct memory_map *map)
{
	uint64_t wanted = wanted_pages(), claimed = 0;

	map->count = 0;
	for (unsigned i = 0; i < memory_map.count; i++) {
		const struct memory_range *range = &memory_map.ranges[i];

		if (range->type == MEMORY_RAM)
			claimed += claim_range(domain, map, range, wanted - claimed);
		else
			add(map, range->start, range->end, range->type);
	}
	/* Page 0 is nobody's: what the firmware left there is for dom0 to look at. */
	if (p2m_map(&domain->p2m, GFN(0), MFN(0), P2M_ORDER_4K, P2M_DEVICE))
		fatal("no memory for dom0's page tables\n");
	if (claimed < wanted)
		fatal("dom0_mem=%luM: only %lu MiB of memory are free\n",
		      wanted >> (20 - PAGE_SHIFT), claimed >> (20 - PAGE_SHIFT));
	/* The hypervisor's image lies amid dom0's memory: said to be reserved, so that nothing is put
	 * there; its frames are not dom0's, so nothing is there for it. */
	memory_map_sanitise(map);
	return claimed;
}

void dom0_memory_retype(struct memory_map *map, paddr_t start, paddr_t end, uint32_t type)
{
	struct memory_map old = *map;

	map->count = 0;
	for (unsigned i = 0; i < old.count; i++) {
		const struct memory_range *range = &old.ranges[i];
		bool inside = range->start <= start && end <= range->end;

		if (!inside) {
			add(map, range->start, range->end, range->type);
			continue;
		}
		if (range->start < start)
			add(map, range->start, start, range->type);
		add(map, start, end, type);
		if (end < range->end)
			add(map, end, range->end, range->type);
	}
}
