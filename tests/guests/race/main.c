/* Two CPUs at once: one takes away what the other is using, page tables, grants, ports, pages. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/guest.h"

const char test_name[] = "race";

#define ROUNDS    3000
#define TABLE_GFN 0x90000UL
#define ROOM      0xa0000000UL
#define RESTARTS  200

static char pages[4][PAGE_SIZE] __attribute__((aligned(4096)));
static struct grant_entry_v1 *table = (void *)(TABLE_GFN * PAGE_SIZE);
static void (*volatile deed)(void);
static volatile unsigned beats;
static domid_t me;
static char *seen_through; /* the window */

static uint32_t gfn_of(const void *address)
{
	return (uint32_t)((uint64_t)address / PAGE_SIZE);
}

static void flip_entry(void)
{
	static const uint64_t entries[] = { 0, ~0UL, 0x80000003, 0xfee00003, 0x7ffffff003, 1 };
	uint64_t good = (uint64_t)pages[0] | PTE_PRESENT | PTE_WRITE;

	*(volatile uint64_t *)window_entry = beats % 2 ? good : entries[beats / 2 % COUNT(entries)];
}

static void call_through_window(void)
{
	hypercall2(__HYPERVISOR_xen_version, XENVER_extraversion, seen_through);
	hypercall2(__HYPERVISOR_event_channel_op, EVTCHNOP_send, seen_through);
	hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_query_size, seen_through, 1);
}

static void map_and_unmap(void)
{
	static volatile grant_handle_t handle; /* of whoever came last */
	uint64_t place = ROOM + (beats & 3) * PAGE_SIZE;
	struct gnttab_map_grant_ref map = {
		.host_addr = place,
		.flags = GNTMAP_host_map | (beats & 4),
		.ref = 8,
		.dom = me,
	};
	struct gnttab_unmap_grant_ref unmap = { .host_addr = place };
	struct gnttab_copy copy = {
		.source = { .u.ref = 8, .domid = me },
		.dest = { .u.gmfn = gfn_of(pages[2]), .domid = DOMID_SELF },
		.len = 4096,
		.flags = GNTCOPY_source_gref,
	};

	hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, &map, 1);
	if (!map.status)
		handle = map.handle;
	hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_copy, &copy, 1);
	for (unsigned i = 0; i < 4; i++) {
		unmap.handle = i & 1 ? map.handle : handle;
		unmap.host_addr = ROOM + i * PAGE_SIZE;
		hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref, &unmap, 1);
	}
	table[8].flags = beats % 7 ? GTF_permit_access : 0;
	table[8].frame = gfn_of(pages[beats % 5 == 0]);
}

static void open_and_close(void)
{
	struct evtchn_alloc_unbound alloc = { .dom = DOMID_SELF, .remote_dom = DOMID_SELF };
	struct evtchn_bind_interdomain bind = { .remote_dom = DOMID_SELF };
	struct evtchn_close close;

	hypercall2(__HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, &alloc);
	bind.remote_port = beats % 8 + 3;
	hypercall2(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_interdomain, &bind);
	for (close.port = 3; close.port < 12; close.port++) {
		hypercall2(__HYPERVISOR_event_channel_op, EVTCHNOP_send, &close);
		if (beats % 3)
			hypercall2(__HYPERVISOR_event_channel_op, EVTCHNOP_close, &close);
	}
}

static void away_and_back(void)
{
	xen_pfn_t gfn = gfn_of(pages[3]);
	struct xen_memory_reservation request = { .nr_extents = 1, .domid = DOMID_SELF };

	set_xen_guest_handle(request.extent_start, &gfn);
	hypercall2(__HYPERVISOR_memory_op, XENMEM_decrease_reservation, &request);
	hypercall2(__HYPERVISOR_xen_version, XENVER_extraversion, pages[3]);
	hypercall2(__HYPERVISOR_memory_op, XENMEM_populate_physmap, &request);
}

/* Memory, the shared page and the grant table's, all where grants are mapped. */
static void memory_in_the_same_place(void)
{
	xen_pfn_t gfn = ROOM / PAGE_SIZE + (beats & 3);
	struct xen_memory_reservation request = { .nr_extents = 1, .domid = DOMID_SELF };
	struct xen_add_to_physmap add = {
		.domid = DOMID_SELF,
		.space = beats & 8 ? XENMAPSPACE_shared_info : XENMAPSPACE_grant_table,
		.idx = beats & 8 ? 0 : 1,
		.gpfn = gfn,
	};
	struct xen_remove_from_physmap remove = { .domid = DOMID_SELF, .gpfn = gfn };

	set_xen_guest_handle(request.extent_start, &gfn);
	hypercall2(__HYPERVISOR_memory_op, XENMEM_populate_physmap, &request);
	if (beats % 3)
		hypercall2(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, &add);
	hypercall2(__HYPERVISOR_memory_op,
	           beats % 2 ? XENMEM_remove_from_physmap : XENMEM_decrease_reservation,
	           beats % 2 ? (void *)&remove : (void *)&request);
}

/* An extent of four pages fails at its last one, which is there, as its first are taken away. */
#define EXTENT (0xb0000000UL / PAGE_SIZE)

static long change(unsigned op, xen_pfn_t gfn, unsigned order)
{
	struct xen_memory_reservation request = {
		.nr_extents = 1,
		.extent_order = order,
		.domid = DOMID_SELF,
	};

	set_xen_guest_handle(request.extent_start, &gfn);
	return hypercall2(__HYPERVISOR_memory_op, op, &request);
}

static void fill_in_vain(void)
{
	CHECK(change(XENMEM_populate_physmap, EXTENT, 2) <= 0);
}

static void take_away(void)
{
	change(XENMEM_decrease_reservation, EXTENT + beats % 3, 0);
}

static long pages_owned(void)
{
	domid_t self = DOMID_SELF;

	return hypercall2(__HYPERVISOR_memory_op, XENMEM_current_reservation, &self);
}

static void idle(void)
{
	hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, NULL);
}

static void second(void)
{
	for (;; beats++)
		deed();
}

static void race(const char *what, void (*mine)(void), void (*other)(void))
{
	unsigned before = beats;

	deed = other;
	for (unsigned i = 0; i < ROUNDS; i++)
		mine();
	note("%s: %u rounds against %u", what, ROUNDS, beats - before);
}

void test_main(void)
{
	struct xen_add_to_physmap add = {
		.domid = DOMID_SELF,
		.space = XENMAPSPACE_grant_table,
		.gpfn = TABLE_GFN,
	};
	long owned = pages_owned();

	me = own_id();
	CHECK(!hypercall2(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, &add));
	table[8].domid = me;
	table[8].frame = gfn_of(pages[0]);
	seen_through = window((uint64_t)pages[0], PTE_PRESENT | PTE_WRITE);
	deed = flip_entry;
	second_start_at(second);
	race("page tables", call_through_window, flip_entry);
	race("grants", map_and_unmap, map_and_unmap);
	race("ports", open_and_close, open_and_close);
	race("pages", away_and_back, away_and_back);
	race("grants of pages that go", map_and_unmap, away_and_back);
	race("grants and memory", map_and_unmap, memory_in_the_same_place);
	race("memory and grants", memory_in_the_same_place, map_and_unmap);
	CHECK(change(XENMEM_populate_physmap, EXTENT + 3, 0) == 1);
	race("extents", fill_in_vain, take_away);
	race("nothing", idle, idle);
	CHECK(change(XENMEM_decrease_reservation, EXTENT + 3, 0) == 1);
	change(XENMEM_populate_physmap, gfn_of(pages[3]), 0);
	for (unsigned i = 0; i < 4; i++)
		change(XENMEM_decrease_reservation, ROOM / PAGE_SIZE + i, 0);
	if (pages_owned() != owned)
		failed("%ld pages, not %ld", pages_owned(), owned);
	CHECK(beats > 5);
	for (unsigned i = 0; i < RESTARTS; i++) {
		second_start_at(second);
		map_and_unmap();
	}
	change(XENMEM_populate_physmap, gfn_of(pages[3]), 0);
}
