/* The smaller calls from 32-bit code: versions, grants, multicalls, and what is refused. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "narrow.h"

#define MSR_PLACE 0x40000002 /* CPUID leaf that names the MSR of the hypercall page */
#define STUB_SIZE 32
#define ROOM      0xa0000000UL
#define CALLS     100 /* more than are made in one go */

static char pages[4][PAGE_SIZE] __attribute__((aligned(4096)));

void test_versions(void)
{
	struct xen_feature_info features = { .submap_idx = 0 };
	struct xen_platform_parameters parameters[2] = { { 1 }, { 77 } };
	xen_extraversion_t extra;

	CHECK(hypercall2(__HYPERVISOR_xen_version, XENVER_version, NULL) == 0x40011);
	CHECK(hypercall2(__HYPERVISOR_xen_version, XENVER_pagesize, NULL) == PAGE_SIZE);
	CHECK(!hypercall2(__HYPERVISOR_xen_version, XENVER_get_features, &features));
	CHECK(features.submap & 1u << XENFEAT_auto_translated_physmap);
	CHECK(!hypercall2(__HYPERVISOR_xen_version, XENVER_platform_parameters, parameters));
	CHECK(!parameters[0].virt_start && parameters[1].virt_start == 77);
	CHECK(!hypercall2(__HYPERVISOR_xen_version, XENVER_extraversion, extra));
	CHECK(extra[0] == '.');
}

/* The stubs are the same bytes in both modes. */
void test_hypercall_page(void)
{
	char *stub = pages[0] + __HYPERVISOR_xen_version * STUB_SIZE;
	long version = XENVER_version;
	uint32_t r[4];
	long unused;

	cpuid(MSR_PLACE, r);
	wrmsr(r[1], (uintptr_t)pages[0]);
	asm volatile("call *%3"
	             : "=a"(version), "=b"(unused), "=c"(unused)
	             : "r"(stub), "1"(version), "2"(0)
	             : "memory");
	CHECK(version == 0x40011);
}

static void grant(grant_ref_t ref, const void *page)
{
	struct grant_entry_v1 *table = (void *)(HOLE_GFN * PAGE_SIZE);

	table[ref].domid = own_id();
	table[ref].frame = (uintptr_t)page / PAGE_SIZE;
	asm volatile("" ::: "memory");
	table[ref].flags = GTF_permit_access;
}

static void grant_copy(void)
{
	struct gnttab_copy copies[2] = {
		{ .source = { .u.ref = 9, .domid = own_id(), .offset = 8 },
		  .dest = { .u.gmfn = (uintptr_t)pages[2] / PAGE_SIZE,
		            .domid = DOMID_SELF,
		            .offset = 4092 },
		  .len = 4,
		  .flags = GNTCOPY_source_gref },
		{ .source = { .u.ref = 9, .domid = own_id() },
		  .dest = { .u.gmfn = 0xffffffff, .domid = DOMID_SELF },
		  .len = 4,
		  .flags = GNTCOPY_source_gref },
	};

	grant(9, pages[1]);
	*(volatile uint32_t *)(pages[1] + 8) = 0x12345678;
	*(volatile uint32_t *)(pages[2] + 4092) = 0;
	CHECK(!hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_copy, copies, 2));
	CHECK(copies[0].status == GNTST_okay && copies[1].status < 0);
	CHECK(*(volatile uint32_t *)(pages[2] + 4092) == 0x12345678);
}

/* The table is where test_batch has put it. */
void test_grants(void)
{
	struct gnttab_map_grant_ref map = {
		.host_addr = ROOM,
		.flags = GNTMAP_host_map,
		.ref = 8,
		.dom = own_id(),
	};
	struct gnttab_unmap_grant_ref unmap = { .host_addr = ROOM };
	struct gnttab_query_size size = { .dom = DOMID_SELF };

	CHECK(!hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_query_size, &size, 1));
	CHECK(size.status == GNTST_okay && size.nr_frames >= 2 && size.max_nr_frames >= 2);
	grant(8, pages[3]);
	CHECK(!hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, &map, 1));
	CHECK(map.status == GNTST_okay);
	if (map.status == GNTST_okay) {
		*(volatile uint32_t *)ROOM = 0x600d;
		CHECK(*(volatile uint32_t *)pages[3] == 0x600d);
		unmap.handle = map.handle;
		CHECK(!hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref, &unmap,
		                  1));
		CHECK(unmap.status == GNTST_okay);
	}
	grant_copy();
}

void test_multicall(void)
{
	static struct multicall_entry calls[CALLS + 1];
	domid_t self = DOMID_SELF;

	for (unsigned i = 0; i < CALLS; i++) {
		calls[i].op = i & 1 ? __HYPERVISOR_memory_op : __HYPERVISOR_xen_version;
		calls[i].args[0] = i & 1 ? XENMEM_current_reservation : XENVER_version;
		calls[i].args[1] = (unsigned long)&self;
		calls[i].result = 0;
	}
	calls[CALLS - 1].op = 999;
	calls[CALLS].result = 77;
	CHECK(!hypercall3(__HYPERVISOR_multicall, (unsigned long)calls, (void *)CALLS, 0));
	for (unsigned i = 0; i < CALLS - 1; i++)
		CHECK(i & 1 ? calls[i].result > 1000 : calls[i].result == 0x40011);
	CHECK((long)calls[CALLS - 1].result == -X_ENOSYS && calls[CALLS].result == 77);
	calls[0].op = __HYPERVISOR_multicall;
	CHECK(hypercall3(__HYPERVISOR_multicall, (unsigned long)calls, (void *)1, 0) == -X_EINVAL);
}

/* A toolstack's, which 32-bit code never is, and what nobody is given. */
void test_refusals(void)
{
	static const unsigned toolstack[] = { __HYPERVISOR_platform_op, __HYPERVISOR_sysctl,
		                              __HYPERVISOR_domctl, 55, __HYPERVISOR_console_io };
	static const unsigned builder[] = { XENMEM_claim_pages, XENMEM_set_memory_map,
		                            XENMEM_set_pod_target, XENMEM_acquire_resource };
	static const unsigned absent[] = { __HYPERVISOR_set_trap_table, __HYPERVISOR_mmu_update, 63,
		                           999, 0x80000000 };
	static char junk[PAGE_SIZE];

	for (unsigned i = 0; i < COUNT(toolstack); i++)
		CHECK(hypercall2(toolstack[i], (unsigned long)junk, junk) == -X_EPERM);
	for (unsigned i = 0; i < COUNT(builder); i++)
		CHECK(memory_op(builder[i], junk) == -X_EPERM);
	for (unsigned i = 0; i < COUNT(absent); i++)
		CHECK(hypercall2(absent[i], 0, NULL) == -X_ENOSYS);
	CHECK(memory_op(XENMEM_add_to_physmap, (void *)0xc0000000) == -X_EFAULT);
}
