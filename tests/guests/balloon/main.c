/* Gives memory away and takes it back, then gives away all of it, its own code too. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/guest.h"

const char test_name[] = "balloon";

#define MIB       (1UL << 20)
#define FIRST     (8 * MIB / PAGE_SIZE)
#define PAGES     (4 * MIB / PAGE_SIZE)
#define FORBIDDEN 0x7654321

static xen_pfn_t gfns[PAGES];

static long change(unsigned op, uint64_t count, unsigned order, domid_t domain)
{
	struct xen_memory_reservation request = {
		.nr_extents = count,
		.extent_order = order,
		.domid = domain,
	};

	set_xen_guest_handle(request.extent_start, gfns);
	return hypercall2(__HYPERVISOR_memory_op, op, &request);
}

static void list(uint64_t first)
{
	for (unsigned i = 0; i < PAGES; i++)
		gfns[i] = first + i;
}

static void there_and_back(void)
{
	volatile uint64_t *words = (volatile uint64_t *)(FIRST * PAGE_SIZE);

	for (unsigned i = 0; i < PAGES; i++)
		words[i * 512] = FORBIDDEN;
	list(FIRST);
	CHECK(change(XENMEM_decrease_reservation, PAGES, 0, DOMID_SELF) == PAGES);
	list(FIRST);
	CHECK(change(XENMEM_decrease_reservation, PAGES, 0, DOMID_SELF) <= 0);
	list(FIRST);
	CHECK(change(XENMEM_populate_physmap, PAGES, 0, DOMID_SELF) == PAGES);
	for (unsigned i = 0; i < PAGES; i++)
		CHECK(words[i * 512] == 0);
}

/* More than it may have, extents of strange sizes, at strange places. */
static void greedy(void)
{
	long got;

	list(0x80000);
	got = change(XENMEM_populate_physmap, PAGES, 0, DOMID_SELF);
	CHECK(got < (long)PAGES);
	for (unsigned order = 1; order < 70; order++) {
		list(0x100000);
		CHECK(change(XENMEM_populate_physmap, 1, order, DOMID_SELF) <= 0 || order < 3);
	}
	gfns[0] = ~0UL;
	CHECK(change(XENMEM_populate_physmap, 1, 0, DOMID_SELF) <= 0);
	gfns[0] = 1UL << 45;
	CHECK(change(XENMEM_decrease_reservation, 1, 0, DOMID_SELF) <= 0);
	note("%ld pages above the limit", got);
}

static void give_away(uint64_t first, uint64_t end)
{
	while (end-- > first) {
		gfns[0] = end;
		change(XENMEM_decrease_reservation, 1, 0, DOMID_SELF);
	}
}

void test_main(void)
{
	there_and_back();
	greedy();
	report();
	give_away(0xfe000, 0x100000);       /* the console and its kind */
	give_away(0, 32 * MIB / PAGE_SIZE); /* this code comes near the end */
}
