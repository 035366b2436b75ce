/* memory_op from 32-bit code: extents of 32 bits, operands without the padding of the 64-bit form. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "narrow.h"

static xen_pfn_t gfns[MANY];

static long reservation(unsigned op)
{
	domid_t self = DOMID_SELF;

	return memory_op(op, &self);
}

static long extents(unsigned op, xen_ulong_t count)
{
	struct xen_memory_reservation request = { .nr_extents = count, .domid = DOMID_SELF };

	set_xen_guest_handle(request.extent_start, gfns);
	return memory_op(op, &request);
}

static long give_up(xen_pfn_t first, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		gfns[i] = first + i;
	return extents(XENMEM_decrease_reservation, count);
}

static long take_back(xen_pfn_t first, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		gfns[i] = first + i;
	return extents(XENMEM_populate_physmap, count);
}

/* More pages than are served in one go: progress is kept in registers of 32 bits. */
void test_reservation(void)
{
	volatile uint32_t *first = (void *)(SPARE_GFN * PAGE_SIZE);
	volatile uint32_t *last = (void *)((SPARE_GFN + MANY - 1) * PAGE_SIZE);
	long before = reservation(XENMEM_current_reservation);

	CHECK(before > MANY && reservation(XENMEM_maximum_reservation) >= before);
	CHECK(reservation(XENMEM_maximum_gpfn) > 0);
	*first = *last = 0x600d;
	CHECK(give_up(SPARE_GFN, MANY) == MANY);
	CHECK(reservation(XENMEM_current_reservation) == before - MANY);
	CHECK(give_up(SPARE_GFN, 1) == 0);
	CHECK(take_back(SPARE_GFN, MANY) == MANY);
	CHECK(reservation(XENMEM_current_reservation) == before);
	CHECK(!*first && !*last);
	*first = *last = 0x600d;
	CHECK(extents(XENMEM_populate_physmap, 0xffffffff) == -X_EINVAL);
}

/* The last bytes of a page before a hole: the 64-bit form of these would reach into that. */
void test_operands_at_the_end(void)
{
	char *end = (char *)((SPARE_GFN + 1) * PAGE_SIZE);
	struct xen_remove_from_physmap *remove = (void *)(end - sizeof(*remove));
	struct xen_memory_reservation *extent = (void *)(end - sizeof(*extent));
	struct vcpu_set_singleshot_timer *timer = (void *)(end - sizeof(*timer));
	struct xen_memory_map *map = (void *)(end - sizeof(*map));
	struct vcpu_runstate_info *runstate = (void *)(end - sizeof(*runstate));
	static char entries[128 * 20];

	CHECK(give_up(SPARE_GFN + 1, 1) == 1);
	*timer = (struct vcpu_set_singleshot_timer){ .timeout_abs_ns = ~0ULL >> 1 };
	CHECK(!vcpu_op(VCPUOP_set_singleshot_timer, timer));
	CHECK(!vcpu_op(VCPUOP_stop_singleshot_timer, NULL));
	CHECK(!vcpu_op(VCPUOP_get_runstate_info, runstate));
	CHECK(runstate->state == RUNSTATE_running && runstate->time[RUNSTATE_running]);
	*map = (struct xen_memory_map){ .nr_entries = 128 };
	set_xen_guest_handle(map->buffer, entries);
	CHECK(!memory_op(XENMEM_memory_map, map));
	CHECK(map->nr_entries && map->nr_entries < 128);
	CHECK(*(uint32_t *)(entries + 16) == 1); /* the first one is RAM */
	*remove = (struct xen_remove_from_physmap){ .domid = DOMID_SELF, .gpfn = SPARE_GFN + 2 };
	CHECK(!memory_op(XENMEM_remove_from_physmap, remove));
	CHECK(memory_op(XENMEM_remove_from_physmap, remove) == -X_ENOENT);
	CHECK(memory_op(XENMEM_remove_from_physmap, end - 4) == -X_EFAULT);

	gfns[0] = SPARE_GFN + 1;
	gfns[1] = SPARE_GFN + 2;
	*extent = (struct xen_memory_reservation){ .nr_extents = 2, .domid = DOMID_SELF };
	set_xen_guest_handle(extent->extent_start, gfns);
	CHECK(memory_op(XENMEM_populate_physmap, extent) == 2);
}

/* The grant table's first frames, some at places where they cannot be: each has its own status. */
void test_batch(void)
{
	xen_ulong_t indices[] = { 0, 1, 0xfffff };
	xen_pfn_t places[] = { HOLE_GFN, HOLE_GFN + 1, HOLE_GFN + 2 };
	int errors[] = { 1, 1, 1, 77 };
	struct xen_add_to_physmap_batch batch = {
		.domid = DOMID_SELF,
		.space = XENMAPSPACE_grant_table,
		.size = 3,
	};
	volatile uint16_t *second = (void *)((HOLE_GFN + 1) * PAGE_SIZE);

	set_xen_guest_handle(batch.idxs, indices);
	set_xen_guest_handle(batch.gpfns, places);
	set_xen_guest_handle(batch.errs, errors);
	CHECK(!memory_op(XENMEM_add_to_physmap_batch, &batch));
	CHECK(!errors[0] && !errors[1] && errors[2] == -X_EINVAL && errors[3] == 77);
	*second = 0; /* it is there */
}
