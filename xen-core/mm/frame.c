/* The frame allocator: who owns each frame of RAM, how often it is referenced, scrubbing. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "mm/frame.h"

#include "hw/lock.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/boot_memory.h"
#include "mm/buddy.h"
#include "mm/host_map.h"
#include "mm/memory_map.h"

/*
 * One word for each frame, changed by compare-and-exchange only, so that a reference is taken without
 * a lock: its count, its owner, and:
 *
 *   RAM    there is such a frame.
 *   FREE   it is in the buddy allocator, which has a lock; count 0, owner DOMID_INVALID.
 *   DIRTY  its contents are not known to be zero; scrubbed when it is allocated next.
 *   order  of the block it was allocated as, in the block's first frame.
 *
 * A frame is free from when the lock is held and its bit is set; between the last reference and that
 * it has count 0 and its old owner, and nobody can get at it.
 */
#define COUNT_MASK         0xffffffffUL
#define OWNER_SHIFT        32
#define STATE_OWNER(owner) ((uint64_t)(owner) << OWNER_SHIFT)
#define STATE_RAM          BIT(48)
#define STATE_FREE         BIT(49)
#define STATE_DIRTY        BIT(50)
#define ORDER_SHIFT        56

#define STATE_NOT_RAM    STATE_OWNER(DOMID_INVALID)
#define STATE_FREE_DIRTY (STATE_OWNER(DOMID_INVALID) | STATE_RAM | STATE_FREE | STATE_DIRTY)
#define STATE_BOOT       (STATE_OWNER(DOMID_XEN) | STATE_RAM | STATE_DIRTY | 1)

/* Half of what the count could hold: so many CPUs at once cannot make it overflow. */
#define COUNT_MAX (COUNT_MASK / 2)

_Static_assert(FRAME_MAX_ORDER == BUDDY_MAX_ORDER, "orders");

static struct lock lock = LOCK_INIT(LOCK_FRAMES); /* over buddy and each frame's FREE bit */
static struct buddy buddy;
static uint64_t *states;
static uint64_t ram_frames;

static uint64_t state_of(mfn_t mfn)
{
	if (mfn.v >= buddy.frames)
		return STATE_NOT_RAM;
	return __atomic_load_n(&states[mfn.v], __ATOMIC_RELAXED);
}

static bool change_state(mfn_t mfn, uint64_t *old, uint64_t new)
{
	return __atomic_compare_exchange_n(&states[mfn.v], old, new, false, __ATOMIC_SEQ_CST,
	                                   __ATOMIC_RELAXED);
}

static domid_t owner_in(uint64_t state)
{
	return (domid_t)(state >> OWNER_SHIFT);
}

/* Frames that nobody refers to become free. */
static void give_back(uint64_t first, uint64_t count)
{
	lock_take(&lock);
	for (uint64_t i = first; i < first + count; i++)
		states[i] = STATE_FREE_DIRTY;
	buddy_give(&buddy, first, count);
	lock_release(&lock);
}

/* Outside of the lock: it takes its time, and the frames are ours already. */
static void scrub(uint64_t first, uint64_t count)
{
	for (uint64_t i = first; i < first + count; i++) {
		if (!(states[i] & STATE_DIRTY))
			continue;
		memset(mfn_to_virt(MFN(i)), 0, PAGE_SIZE);
		__atomic_fetch_and(&states[i], ~STATE_DIRTY, __ATOMIC_RELAXED);
	}
}

static bool is_domain(domid_t owner)
{
	return owner < DOMID_FIRST_RESERVED || owner == DOMID_XEN;
}

/* From the top of RAM down: dom0's memory is claimed from the bottom up, frame by frame as the
 * machine has them, and must not find holes. */
mfn_t frame_alloc(unsigned order, domid_t owner)
{
	uint64_t first;

	ASSERT(is_domain(owner));
	if (order > FRAME_MAX_ORDER)
		return MFN_NONE;
	lock_take(&lock);
	first = buddy_take(&buddy, order);
	if (first != BUDDY_NONE)
		for (uint64_t i = first; i < first + BIT(order); i++)
			states[i] = STATE_OWNER(owner) | STATE_RAM | (states[i] & STATE_DIRTY) | 1;
	lock_release(&lock);
	if (first == BUDDY_NONE)
		return MFN_NONE;
	scrub(first, BIT(order));
	__atomic_fetch_or(&states[first], (uint64_t)order << ORDER_SHIFT, __ATOMIC_RELAXED);
	return MFN(first);
}

static bool all_free(uint64_t first, uint64_t count)
{
	for (uint64_t i = first; i < first + count; i++)
		if (!(state_of(MFN(i)) & STATE_FREE))
			return false;
	return true;
}

int frame_claim(mfn_t first, uint64_t count, domid_t owner)
{
	int err = -EBUSY;

	ASSERT(is_domain(owner));
	if (first.v > buddy.frames || count > buddy.frames - first.v)
		return -EINVAL;
	lock_take(&lock);
	if (all_free(first.v, count)) {
		buddy_take_range(&buddy, first.v, count);
		for (uint64_t i = first.v; i < first.v + count; i++)
			states[i] = STATE_OWNER(owner) | STATE_RAM | STATE_DIRTY | 1;
		err = 0;
	}
	lock_release(&lock);
	return err;
}

void frame_get(mfn_t mfn)
{
	uint64_t state = state_of(mfn);

	do
		ASSERT((state & COUNT_MASK) && (state & COUNT_MASK) < COUNT_MAX);
	while (!change_state(mfn, &state, state + 1));
}

bool frame_get_owned(mfn_t mfn, domid_t owner)
{
	uint64_t state = state_of(mfn);

	do {
		if (owner_in(state) != owner || !(state & COUNT_MASK) ||
		    (state & COUNT_MASK) >= COUNT_MAX)
			return false;
	} while (!change_state(mfn, &state, state + 1));
	return true;
}

/* True if that was the last reference; the frame is the caller's to give back then. */
static bool drop(mfn_t mfn)
{
	uint64_t state = state_of(mfn);

	do
		ASSERT(state & COUNT_MASK);
	while (!change_state(mfn, &state, state - 1));
	return (state & COUNT_MASK) == 1;
}

void frame_put(mfn_t mfn)
{
	if (drop(mfn))
		give_back(mfn.v, 1);
}

/* Runs of frames whose last reference this was go back at once, and so grow together cheaply. */
void frame_free(mfn_t first, unsigned order)
{
	uint64_t run = first.v, end = first.v + BIT(order);

	for (uint64_t i = first.v; i < end; i++) {
		if (drop(MFN(i)))
			continue;
		if (run < i)
			give_back(run, i - run);
		run = i + 1;
	}
	if (run < end)
		give_back(run, end - run);
}

unsigned frame_order(mfn_t first)
{
	return (unsigned)(state_of(first) >> ORDER_SHIFT);
}

bool frame_is_ram(mfn_t mfn)
{
	return state_of(mfn) & STATE_RAM;
}

domid_t frame_owner(mfn_t mfn)
{
	return owner_in(state_of(mfn));
}

uint32_t frame_count(mfn_t mfn)
{
	return (uint32_t)(state_of(mfn) & COUNT_MASK);
}

uint64_t frames_free(void)
{
	return __atomic_load_n(&buddy.free, __ATOMIC_RELAXED);
}

uint64_t frames_total(void)
{
	return ram_frames;
}

static void mark_ram(const struct memory_range *range)
{
	if (range->type != MEMORY_RAM)
		return;
	for (uint64_t i = range->start >> PAGE_SHIFT; i < range->end >> PAGE_SHIFT; i++)
		states[i] = STATE_BOOT;
	ram_frames += (range->end - range->start) >> PAGE_SHIFT;
}

/* Page 0 stays out: an address of 0 is too often a mistake, and the firmware's data lies there. */
void frame_init(void)
{
	uint64_t frames = memory_map_top() >> PAGE_SHIFT;
	paddr_t table = boot_memory_take(frames * sizeof(*states), memory_map_top());
	paddr_t sets = boot_memory_take(buddy_size(frames), memory_map_top());
	paddr_t start, end = PAGE_SIZE;

	states = paddr_to_virt(table);
	for (uint64_t i = 0; i < frames; i++)
		states[i] = STATE_NOT_RAM;
	for (unsigned i = 0; i < memory_map.count; i++)
		mark_ram(&memory_map.ranges[i]);
	buddy_init(&buddy, frames, paddr_to_virt(sets));
	while (boot_memory_next_free(end, &start, &end))
		give_back(start >> PAGE_SHIFT, (end - start) >> PAGE_SHIFT);
}

void frame_release_boot(paddr_t start, paddr_t end)
{
	for (paddr_t address = ALIGN_DOWN(start, PAGE_SIZE); address < end; address += PAGE_SIZE) {
		mfn_t mfn = MFN(address >> PAGE_SHIFT);

		ASSERT(frame_owner(mfn) == DOMID_XEN && frame_count(mfn) == 1);
		frame_put(mfn);
	}
}
