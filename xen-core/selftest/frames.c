/* Self-tests: the frame allocator and the heap. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "hw/ipi.h"
#include "hw/percpu.h"
#include "hw/timer.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "mm/host_map.h"
#include "selftest/selftest.h"

#define SOME_DOMAIN 77

static bool is_zero(const void *memory, size_t size)
{
	const uint8_t *bytes = memory;

	for (size_t i = 0; i < size; i++)
		if (bytes[i])
			return false;
	return true;
}

static const char *alloc_and_free(void)
{
	uint64_t before = frames_free();
	mfn_t frame = frame_alloc(0, SOME_DOMAIN);

	CHECK(!mfn_is_none(frame) && frame_is_ram(frame));
	CHECK(frame_owner(frame) == SOME_DOMAIN && frame_count(frame) == 1);
	CHECK(is_zero(mfn_to_virt(frame), PAGE_SIZE));
	CHECK(frames_free() == before - 1);
	frame_free(frame, 0);
	CHECK(frame_owner(frame) == DOMID_INVALID);
	CHECK(frames_free() == before);
	return NULL;
}

static const char *orders(void)
{
	uint64_t before = frames_free();

	for (unsigned order = 0; order <= 9; order++) {
		mfn_t first = frame_alloc(order, DOMID_XEN);
		mfn_t last = MFN(first.v + BIT(order) - 1);

		CHECK(!mfn_is_none(first) && first.v % BIT(order) == 0);
		CHECK(frames_free() == before - BIT(order));
		CHECK(frame_owner(last) == DOMID_XEN && frame_count(last) == 1);
		frame_free(first, order);
		CHECK(frames_free() == before);
	}
	return NULL;
}

/* The same frames come back (or others), but never with what was written to them. */
static const char *scrubbed(void)
{
	for (unsigned i = 0; i < 8; i++) {
		mfn_t first = frame_alloc(4, DOMID_XEN);

		CHECK(!mfn_is_none(first));
		CHECK(is_zero(mfn_to_virt(first), PAGE_SIZE << 4));
		memset(mfn_to_virt(first), 0x5a, PAGE_SIZE << 4);
		frame_free(first, 4);
	}
	return NULL;
}

static const char *counts(void)
{
	uint64_t before = frames_free();
	mfn_t frame = frame_alloc(0, SOME_DOMAIN);

	frame_get(frame);
	CHECK(frame_get_owned(frame, SOME_DOMAIN));
	CHECK(!frame_get_owned(frame, SOME_DOMAIN + 1));
	CHECK(frame_count(frame) == 3);
	frame_free(frame, 0);
	frame_put(frame);
	CHECK(frame_count(frame) == 1 && frames_free() == before - 1);
	frame_put(frame);
	CHECK(frames_free() == before);
	CHECK(!frame_get_owned(frame, SOME_DOMAIN));
	return NULL;
}

static const char *not_ram(void)
{
	mfn_t far = MFN(1UL << 36), apic = MFN(0xfee00);

	CHECK(!frame_is_ram(far) && !frame_is_ram(apic) && !frame_is_ram(MFN_NONE));
	CHECK(frame_owner(far) == DOMID_INVALID && frame_owner(MFN_NONE) == DOMID_INVALID);
	CHECK(!frame_get_owned(far, DOMID_XEN) && !frame_get_owned(MFN_NONE, DOMID_XEN));
	CHECK(mfn_is_none(frame_alloc(FRAME_MAX_ORDER + 1, DOMID_XEN)));
	return NULL;
}

static const char *claim(void)
{
	uint64_t before = frames_free();
	mfn_t first = frame_alloc(2, DOMID_XEN);

	frame_free(first, 2);
	CHECK(frame_claim(first, 4, SOME_DOMAIN) == 0);
	CHECK(frames_free() == before - 4 && frame_owner(MFN(first.v + 3)) == SOME_DOMAIN);
	CHECK(frame_claim(MFN(first.v + 3), 1, SOME_DOMAIN) == -EBUSY);
	CHECK(frame_claim(MFN(1UL << 36), 1, SOME_DOMAIN) != 0);
	for (unsigned i = 0; i < 4; i++)
		frame_free(MFN(first.v + i), 0);
	CHECK(frames_free() == before);
	return NULL;
}

static unsigned contention_failures;

static void contend(void *unused)
{
	uint64_t end = clock_now().v + MILLISECONDS(30);

	(void)unused;
	for (unsigned i = 0; clock_now().v < end; i++) {
		mfn_t frame = frame_alloc(i % 3, DOMID_XEN);
		uint64_t *words = mfn_to_virt(frame);

		if (mfn_is_none(frame) || words[0])
			__atomic_fetch_add(&contention_failures, 1, __ATOMIC_RELAXED);
		words[0] = this_cpu()->id + 1;
		frame_get(frame);
		frame_put(frame);
		if (words[0] != this_cpu()->id + 1)
			__atomic_fetch_add(&contention_failures, 1, __ATOMIC_RELAXED);
		frame_free(frame, i % 3);
	}
}

static const char *all_cpus(void)
{
	uint64_t before = frames_free();

	ipi_call(selftest_all_cpus(), contend, NULL);
	CHECK(contention_failures == 0);
	CHECK(frames_free() == before);
	return NULL;
}

static const char *heap(void)
{
	static const size_t sizes[] = { 1, 16, 17, 100, 500, 2000, 4096, 5000, 20000 };
	void *objects[ARRAY_SIZE(sizes)];

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		objects[i] = heap_alloc(sizes[i]);
		CHECK(objects[i] && (uintptr_t)objects[i] % 16 == 0);
		CHECK(is_zero(objects[i], sizes[i]));
		memset(objects[i], (int)i + 1, sizes[i]);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		const uint8_t *bytes = objects[i];

		CHECK(bytes[0] == i + 1 && bytes[sizes[i] - 1] == i + 1);
		heap_free(objects[i]);
	}
	heap_free(NULL);
	return NULL;
}

/* What is freed is used again: memory does not leak away. */
static const char *heap_reuse(void)
{
	uint64_t before;

	heap_free(heap_alloc(100));
	heap_free(heap_alloc(9000));
	before = frames_free();
	for (unsigned i = 0; i < 1000; i++) {
		heap_free(heap_alloc(100));
		heap_free(heap_alloc(9000));
	}
	CHECK(frames_free() == before);
	return NULL;
}

const struct selftest selftests_frames[] = {
	{ "frames_alloc_and_free", alloc_and_free },
	{ "frames_orders", orders },
	{ "frames_scrubbed", scrubbed },
	{ "frames_counts", counts },
	{ "frames_not_ram", not_ram },
	{ "frames_claim", claim },
	{ "frames_all_cpus", all_cpus },
	{ "heap_sizes", heap },
	{ "heap_reuse", heap_reuse },
	{ NULL, NULL },
};
