/* Which blocks of frames are free: power-of-two blocks that split and grow together again. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "mm/buddy.h"

#include "lib/assert.h"
#include "lib/bits.h"

static bool set_has(const struct buddy_set *set, uint64_t n)
{
	return bit_test(n, set->words[0]);
}

static void set_add(struct buddy_set *set, uint64_t n)
{
	for (unsigned level = 0; level < set->levels; level++, n /= BITS_PER_LONG) {
		bool was_empty = !set->words[level][n / BITS_PER_LONG];

		bit_set(n, set->words[level]);
		if (!was_empty)
			return;
	}
}

static void set_remove(struct buddy_set *set, uint64_t n)
{
	for (unsigned level = 0; level < set->levels; level++, n /= BITS_PER_LONG) {
		bit_clear(n, set->words[level]);
		if (set->words[level][n / BITS_PER_LONG])
			return;
	}
}

static uint64_t set_highest(const struct buddy_set *set)
{
	uint64_t n = 0;

	if (!set->words[set->levels - 1][0])
		return BUDDY_NONE;
	for (unsigned level = set->levels; level-- > 0;)
		n = n * BITS_PER_LONG + bit_highest(set->words[level][n]);
	return n;
}

/* Where the next set's words go; counts only while `words` is NULL. The top level is one word. */
static size_t set_init(struct buddy_set *set, uint64_t members, unsigned long *words)
{
	size_t used = 0;

	set->levels = 0;
	do {
		size_t length = BITS_TO_LONGS(members);

		set->words[set->levels++] = words ? words + used : NULL;
		used += length;
		members = length;
	} while (members > 1);
	return used;
}

static size_t init_sets(struct buddy_set *sets, uint64_t frames, unsigned long *words)
{
	size_t used = 0;

	for (unsigned order = 0; order <= BUDDY_MAX_ORDER; order++)
		used += set_init(&sets[order], (frames >> order) + 1, words ? words + used : NULL);
	return used;
}

size_t buddy_size(uint64_t frames)
{
	struct buddy_set unused[BUDDY_MAX_ORDER + 1];

	return init_sets(unused, frames, NULL) * sizeof(unsigned long);
}

void buddy_init(struct buddy *buddy, uint64_t frames, void *memory)
{
	buddy->frames = frames;
	buddy->free = 0;
	init_sets(buddy->free_blocks, frames, memory);
}

/* Joins the block with its free neighbour, and the result with its, as far as that goes. */
static void give_block(struct buddy *buddy, uint64_t first, unsigned order)
{
	uint64_t n = first >> order;

	ASSERT(!set_has(&buddy->free_blocks[order], n));
	buddy->free += BIT(order);
	for (; order < BUDDY_MAX_ORDER && set_has(&buddy->free_blocks[order], n ^ 1); order++) {
		set_remove(&buddy->free_blocks[order], n ^ 1);
		n >>= 1;
	}
	set_add(&buddy->free_blocks[order], n);
}

/* The largest order of a block that begins at `first` and has no more than `count` frames. */
static unsigned largest_order(uint64_t first, uint64_t count)
{
	unsigned order = bit_highest(count);

	if (first)
		order = MIN(order, bit_lowest(first));
	return MIN(order, (unsigned)BUDDY_MAX_ORDER);
}

void buddy_give(struct buddy *buddy, uint64_t first, uint64_t count)
{
	ASSERT(first + count <= buddy->frames);
	while (count) {
		unsigned order = largest_order(first, count);

		give_block(buddy, first, order);
		first += BIT(order);
		count -= BIT(order);
	}
}

static void take_block(struct buddy *buddy, uint64_t n, unsigned order)
{
	set_remove(&buddy->free_blocks[order], n);
	buddy->free -= BIT(order);
}

/* From the upper end of the highest block, whatever its size: what is lowest stays whole longest. */
uint64_t buddy_take(struct buddy *buddy, unsigned order)
{
	uint64_t best = BUDDY_NONE, best_end = 0;
	unsigned best_order = 0;

	for (unsigned o = order; o <= BUDDY_MAX_ORDER; o++) {
		uint64_t n = set_highest(&buddy->free_blocks[o]);

		if (n != BUDDY_NONE && (n + 1) << o > best_end) {
			best = n;
			best_end = (n + 1) << o;
			best_order = o;
		}
	}
	if (best == BUDDY_NONE)
		return BUDDY_NONE;
	take_block(buddy, best, best_order);
	buddy_give(buddy, best << best_order, BIT(best_order) - BIT(order));
	return best_end - BIT(order);
}

/* The order of the free block that holds the frame. */
static unsigned order_of(const struct buddy *buddy, uint64_t frame)
{
	unsigned order = 0;

	while (!set_has(&buddy->free_blocks[order], frame >> order)) {
		order++;
		ASSERT(order <= BUDDY_MAX_ORDER);
	}
	return order;
}

void buddy_take_range(struct buddy *buddy, uint64_t first, uint64_t count)
{
	uint64_t end = first + count;

	while (first < end) {
		unsigned order = order_of(buddy, first);
		uint64_t start = ALIGN_DOWN(first, BIT(order));
		uint64_t block_end = start + BIT(order);

		take_block(buddy, start >> order, order);
		if (start < first)
			buddy_give(buddy, start, first - start);
		if (block_end > end)
			buddy_give(buddy, end, block_end - end);
		first = block_end;
	}
}
