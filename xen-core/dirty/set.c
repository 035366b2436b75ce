/* A set of gfns in the order they came, each with the old version of its page. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "dirty/set.h"

#include "lib/assert.h"
#include "lib/errno.h"
#include "mm/heap.h"

#define PER_PART  (PAGE_SIZE / sizeof(struct dirty_page))
#define PER_INDEX (PAGE_SIZE / sizeof(uint32_t))

static uint64_t part_count(const struct dirty_set *set)
{
	return (set->limit + PER_PART - 1) / PER_PART;
}

static uint64_t index_count(const struct dirty_set *set)
{
	return (set->limit + PER_INDEX - 1) / PER_INDEX;
}

int dirty_set_create(struct dirty_set *set, uint64_t limit)
{
	*set = (struct dirty_set){ .limit = limit };
	ASSERT(limit <= OLD_ABSENT);
	set->parts = heap_alloc(part_count(set) * sizeof(*set->parts));
	set->index = heap_alloc(index_count(set) * sizeof(*set->index));
	if (set->parts && set->index)
		return 0;
	dirty_set_destroy(set);
	return -ENOMEM;
}

void dirty_set_destroy(struct dirty_set *set)
{
	for (uint64_t i = 0; set->parts && i < part_count(set); i++)
		heap_free(set->parts[i]);
	for (uint64_t i = 0; set->index && i < index_count(set); i++)
		heap_free(set->index[i]);
	heap_free(set->parts);
	heap_free(set->index);
	*set = (struct dirty_set){ .count = 0 };
}

static struct dirty_page *page_at(const struct dirty_set *set, uint32_t place)
{
	return &set->parts[place / PER_PART][place % PER_PART];
}

struct dirty_page *dirty_set_find(const struct dirty_set *set, gfn_t gfn)
{
	const uint32_t *index = gfn.v < set->limit ? set->index[gfn.v / PER_INDEX] : NULL;
	uint32_t place = index ? index[gfn.v % PER_INDEX] : 0;

	return place ? page_at(set, place - 1) : NULL;
}

struct dirty_page *dirty_set_add(struct dirty_set *set, gfn_t gfn)
{
	uint32_t place = set->count;
	uint32_t **index;
	struct dirty_page **part;

	if (gfn.v >= set->limit)
		return NULL;
	index = &set->index[gfn.v / PER_INDEX];
	part = &set->parts[place / PER_PART];
	if (!*index)
		*index = heap_alloc(PAGE_SIZE);
	if (!*part)
		*part = heap_alloc(PAGE_SIZE);
	if (!*index || !*part)
		return NULL;
	ASSERT(!(*index)[gfn.v % PER_INDEX]);
	(*index)[gfn.v % PER_INDEX] = ++set->count;
	*page_at(set, place) = (struct dirty_page){ (uint32_t)gfn.v, OLD_NONE };
	return page_at(set, place);
}

struct dirty_page *dirty_set_last(const struct dirty_set *set)
{
	return set->count ? page_at(set, set->count - 1) : NULL;
}

/* A part goes when the one below it is no longer full: at the border it would come and go. */
void dirty_set_drop_last(struct dirty_set *set)
{
	uint32_t place = --set->count;
	uint32_t gfn = page_at(set, place)->gfn;
	uint64_t above = place / PER_PART + 1;

	set->index[gfn / PER_INDEX][gfn % PER_INDEX] = 0;
	if (above < part_count(set) && set->parts[above]) {
		heap_free(set->parts[above]);
		set->parts[above] = NULL;
	}
}

gfn_t dirty_set_next(const struct dirty_set *set, gfn_t from, gfn_t to)
{
	uint64_t end = MIN(to.v, set->limit);

	while (from.v < end) {
		const uint32_t *index = set->index[from.v / PER_INDEX];

		if (index && index[from.v % PER_INDEX])
			return from;
		from.v = index ? from.v + 1 : ALIGN_DOWN(from.v, PER_INDEX) + PER_INDEX;
	}
	return GFN_NONE;
}

void dirty_set_bits(const struct dirty_set *set, uint64_t first, uint64_t count, uint8_t *bits)
{
	for (uint64_t i = 0; i < count; i += 8)
		bits[i / 8] = 0;
	for (uint64_t i = 0; i < count && first + i < set->limit; i++) {
		const uint32_t *index = set->index[(first + i) / PER_INDEX];

		if (!index) /* nor have the others of its page of the index */
			i += PER_INDEX - 1 - (first + i) % PER_INDEX;
		else if (index[(first + i) % PER_INDEX])
			bits[i / 8] |= (uint8_t)(1u << i % 8);
	}
}
