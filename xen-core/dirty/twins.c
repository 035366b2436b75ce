/* Copies of pages as they were: a pool of frames of bounded size. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "dirty/twins.h"

#include "abi/public.h"
#include "dirty/set.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "mm/host_map.h"

/* Frames beyond the pool: what dom0's CPUs can write between two looks of the fetcher. */
#define RESERVE 1024

int twins_create(struct twins *twins, uint32_t size)
{
	*twins = (struct twins){ .limit = size + RESERVE };
	twins->frames = heap_alloc(twins->limit * sizeof(*twins->frames));
	twins->stack = heap_alloc(MAX(size, 1U) * sizeof(*twins->stack));
	if (!twins->frames || !twins->stack)
		goto destroy;
	for (uint32_t i = 0; i < twins->limit; i++)
		twins->frames[i] = MFN_NONE;
	for (; twins->size < size; twins->size++) {
		mfn_t mfn = frame_alloc(0, DOMID_XEN);

		if (mfn_is_none(mfn))
			goto destroy;
		twins->frames[twins->size] = mfn;
		twins->stack[twins->free++] = twins->size;
	}
	return 0;

destroy:
	twins_destroy(twins);
	return -ENOMEM;
}

void twins_destroy(struct twins *twins)
{
	for (uint32_t i = 0; twins->frames && i < twins->limit; i++)
		if (!mfn_is_none(twins->frames[i]))
			frame_put(twins->frames[i]);
	heap_free(twins->frames);
	heap_free(twins->stack);
	*twins = (struct twins){ .size = 0 };
}

uint32_t twins_take(struct twins *twins)
{
	return twins->free ? twins->stack[--twins->free] : OLD_NONE;
}

uint32_t twins_take_reserve(struct twins *twins)
{
	for (uint32_t i = twins->size; i < twins->limit; i++) {
		if (!mfn_is_none(twins->frames[i]))
			continue;
		twins->frames[i] = frame_alloc(0, DOMID_XEN);
		return mfn_is_none(twins->frames[i]) ? OLD_NONE : i;
	}
	return OLD_NONE;
}

void twins_give(struct twins *twins, uint32_t number)
{
	ASSERT(number < twins->limit && !mfn_is_none(twins->frames[number]));
	if (number < twins->size) {
		twins->stack[twins->free++] = number;
		return;
	}
	frame_put(twins->frames[number]);
	twins->frames[number] = MFN_NONE;
}

void *twins_page(const struct twins *twins, uint32_t number)
{
	ASSERT(number < twins->limit);
	return mfn_to_virt(twins->frames[number]);
}

void twins_copy(struct twins *twins, uint32_t number, const void *from)
{
	const volatile uint64_t *in = from;
	uint64_t *out = twins_page(twins, number);

	for (unsigned i = PAGE_SIZE / sizeof(*in); i--;)
		out[i] = in[i];
}
