/* Grants abused: wrong references, handles and places, one grant many times, copies past every end. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/guest.h"

const char test_name[] = "grants";

#define TABLE_GFN 0x90000UL /* nothing is there in a small guest */
#define ROOM      0xa0000000UL
#define MANY      600

static char pages[4][PAGE_SIZE] __attribute__((aligned(4096)));
static struct grant_entry_v1 *table;
static domid_t me;

static uint32_t gfn_of(const void *address)
{
	return (uint32_t)((uint64_t)address / PAGE_SIZE);
}

static void grant(grant_ref_t ref, uint32_t gfn, uint16_t flags)
{
	table[ref].domid = me;
	table[ref].frame = gfn;
	asm volatile("" ::: "memory");
	table[ref].flags = GTF_permit_access | flags;
}

static void table_show(void)
{
	struct xen_add_to_physmap add = {
		.domid = DOMID_SELF,
		.space = XENMAPSPACE_grant_table,
		.gpfn = TABLE_GFN,
	};

	CHECK(!hypercall2(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, &add));
	add.idx = 0xfffff;
	CHECK(hypercall2(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, &add) < 0);
	table = (void *)(TABLE_GFN * PAGE_SIZE);
}

static struct gnttab_map_grant_ref map(grant_ref_t ref, uint64_t address, uint32_t flags)
{
	struct gnttab_map_grant_ref op = {
		.host_addr = address,
		.flags = GNTMAP_host_map | flags,
		.ref = ref,
		.dom = me,
	};

	CHECK(!hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, &op, 1));
	return op;
}

static int16_t unmap(grant_handle_t handle, uint64_t address)
{
	struct gnttab_unmap_grant_ref op = { .host_addr = address, .handle = handle };

	CHECK(!hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref, &op, 1));
	return op.status;
}

static void write_there(uint64_t address)
{
	*(volatile uint32_t *)address = 0x600d;
}

/* A grant to oneself, mapped, used, unmapped, and then all that one may do wrong with its handle. */
static void once(void)
{
	struct gnttab_map_grant_ref op;

	grant(8, gfn_of(pages[0]), 0);
	op = map(8, ROOM, 0);
	if (op.status) {
		failed("map: %d", op.status);
		return;
	}
	write_there(ROOM);
	CHECK(*(volatile uint32_t *)pages[0] == 0x600d);
	CHECK(table[8].flags & GTF_reading && table[8].flags & GTF_writing);
	CHECK(map(8, ROOM, 0).status < 0);
	CHECK(unmap(op.handle + 1, ROOM) < 0);
	CHECK(unmap(~0U, ROOM) < 0 && unmap(0x7fffffff, ROOM) < 0);
	CHECK(unmap(op.handle, ROOM + PAGE_SIZE) < 0);
	CHECK(unmap(op.handle, ROOM) == GNTST_okay);
	CHECK(unmap(op.handle, ROOM) < 0);
	CHECK(!(table[8].flags & (GTF_reading | GTF_writing)));
}

static void many(void)
{
	static grant_handle_t handles[MANY];
	unsigned mapped = 0;

	grant(9, gfn_of(pages[1]), 0);
	while (mapped < MANY) {
		struct gnttab_map_grant_ref op = map(9, ROOM + mapped * PAGE_SIZE,
		                                     mapped & 1 ? GNTMAP_readonly : 0);

		if (op.status)
			break;
		handles[mapped++] = op.handle;
	}
	for (unsigned i = 0; i < mapped; i++)
		CHECK(unmap(handles[i], ROOM + i * PAGE_SIZE) == GNTST_okay);
	CHECK(table[9].flags == GTF_permit_access);
	note("one reference was mapped %u times", mapped);
}

static void wrong(void)
{
	static const uint64_t places[] = { 1,    ROOM + 8, 1UL << 52,
		                           ~0UL, ~0xfffUL, TABLE_GFN * PAGE_SIZE };

	grant(10, gfn_of(pages[2]), GTF_readonly);
	grant(11, TABLE_GFN, 0);
	grant(12, ~0U, 0);
	grant(13, gfn_of(pages[2]), 0);
	table[13].domid = 0;
	table[14].flags = GTF_accept_transfer;
	table[15].flags = GTF_transitive;
	CHECK(map(10, ROOM, 0).status < 0);
	for (grant_ref_t ref = 11; ref < 20; ref++)
		CHECK(map(ref, ROOM, 0).status < 0);
	CHECK(map(~0U, ROOM, 0).status < 0 && map(1 << 20, ROOM, 0).status < 0);
	for (unsigned i = 0; i < COUNT(places) - 1; i++) {
		struct gnttab_map_grant_ref op = map(10, places[i], GNTMAP_readonly);

		if (!op.status)
			CHECK(unmap(op.handle, places[i]) == GNTST_okay);
	}
	for (uint32_t flags = 0; flags < 64; flags++) {
		struct gnttab_map_grant_ref op = map(10, ROOM, flags);

		if (!op.status)
			CHECK(unmap(op.handle, ROOM) == GNTST_okay);
	}
}

/* The entry changes under the mapping, and its page goes away. */
static void rewritten(void)
{
	xen_pfn_t gfn = gfn_of(pages[3]);
	struct xen_memory_reservation reservation = { .nr_extents = 1, .domid = DOMID_SELF };
	struct gnttab_map_grant_ref op;

	set_xen_guest_handle(reservation.extent_start, &gfn);
	grant(20, gfn_of(pages[3]), 0);
	op = map(20, ROOM, 0);
	CHECK(!op.status);
	table[20].flags = 0;
	table[20].frame = 0;
	CHECK(hypercall2(__HYPERVISOR_memory_op, XENMEM_decrease_reservation, &reservation) == 1);
	write_there(ROOM);
	CHECK(*(volatile uint32_t *)ROOM == 0x600d);
	gfn = ROOM / PAGE_SIZE;
	CHECK(hypercall2(__HYPERVISOR_memory_op, XENMEM_decrease_reservation, &reservation) <= 0);
	CHECK(unmap(op.handle, ROOM) == GNTST_okay);
	gfn = gfn_of(pages[3]);
	CHECK(hypercall2(__HYPERVISOR_memory_op, XENMEM_populate_physmap, &reservation) == 1);
	CHECK(*(volatile uint32_t *)pages[3] == 0);
}

static int16_t copied(struct gnttab_copy op)
{
	CHECK(!hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_copy, &op, 1));
	return op.status;
}

static void copy(void)
{
	struct gnttab_copy op = {
		.source = { .u.ref = 30, .domid = me },
		.dest = { .u.gmfn = gfn_of(pages[1]), .domid = DOMID_SELF },
		.len = 100,
		.flags = GNTCOPY_source_gref,
	};
	struct gnttab_copy wrong_op;

	grant(30, gfn_of(pages[0]), GTF_readonly);
	pages[0][99] = 'z';
	CHECK(copied(op) == GNTST_okay && pages[1][99] == 'z' && !pages[1][100]);
	for (unsigned i = 0; i < 3000; i++) {
		uint64_t dice = pseudo_random();

		wrong_op = op;
		wrong_op.source.offset = (uint16_t)(dice & 0x1fff);
		wrong_op.len = (uint16_t)(dice >> 16);
		if (copied(wrong_op) == GNTST_okay)
			CHECK(wrong_op.source.offset + wrong_op.len <= 4096);
	}
	wrong_op = op;
	wrong_op.dest.offset = 4000;
	CHECK(copied(wrong_op) < 0);
	wrong_op = op;
	wrong_op.dest.u.gmfn = TABLE_GFN;
	CHECK(copied(wrong_op) < 0);
	wrong_op.dest.u.gmfn = ~0UL;
	CHECK(copied(wrong_op) < 0);
	wrong_op = op;
	wrong_op.dest.domid = 0;
	CHECK(copied(wrong_op) < 0);
	wrong_op = op;
	wrong_op.flags = GNTCOPY_dest_gref | GNTCOPY_source_gref;
	wrong_op.dest.u.ref = 30;
	wrong_op.dest.domid = me;
	CHECK(copied(wrong_op) < 0); /* granted to be read only */
}

void test_main(void)
{
	me = own_id();
	table_show();
	once();
	many();
	wrong();
	rewritten();
	copy();
	/* Left mapped: the end of the domain is to find these. */
	for (unsigned i = 0; i < 50; i++)
		map(9, ROOM + i * PAGE_SIZE, 0);
}
