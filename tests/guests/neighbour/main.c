/* Minds its own business: pages granted to dom0, ports that wait for dom0. Tells if any is touched. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/guest.h"

const char test_name[] = "neighbour";

#define TABLE_GFN 0x90000UL
#define PAGES     4
#define PORTS     4
#define FIRST_REF 8
#define SECRET    0x5ec2e75ec2e7
#define YIELDS    50000

static uint64_t pages[PAGES][512] __attribute__((aligned(4096)));
static struct grant_entry_v1 *table = (void *)(TABLE_GFN * PAGE_SIZE);
static evtchn_port_t ports[PORTS];

static void grant_pages(void)
{
	struct xen_add_to_physmap add = {
		.domid = DOMID_SELF,
		.space = XENMAPSPACE_grant_table,
		.gpfn = TABLE_GFN,
	};

	CHECK(!hypercall2(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, &add));
	for (unsigned i = 0; i < PAGES; i++) {
		for (unsigned word = 0; word < 512; word++)
			pages[i][word] = SECRET;
		table[FIRST_REF + i].frame = (uint32_t)((uint64_t)pages[i] / PAGE_SIZE);
		table[FIRST_REF + i].domid = 0;
		table[FIRST_REF + i].flags = GTF_permit_access;
	}
}

static void open_ports(void)
{
	for (unsigned i = 0; i < PORTS; i++) {
		struct evtchn_alloc_unbound alloc = { .dom = DOMID_SELF, .remote_dom = 0 };

		CHECK(!hypercall2(__HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, &alloc));
		ports[i] = alloc.port;
	}
}

static void look(void)
{
	for (unsigned i = 0; i < PAGES; i++) {
		for (unsigned word = 0; word < 512; word++)
			CHECK(pages[i][word] == SECRET);
		CHECK(table[FIRST_REF + i].flags == GTF_permit_access);
	}
	for (unsigned i = 0; i < PORTS; i++) {
		struct evtchn_status status = { .dom = DOMID_SELF, .port = ports[i] };

		CHECK(!hypercall2(__HYPERVISOR_event_channel_op, EVTCHNOP_status, &status));
		CHECK(status.status == EVTCHNSTAT_unbound);
	}
}

void test_main(void)
{
	grant_pages();
	open_ports();
	for (unsigned round = 0;; round++) {
		look();
		note("round %u", round);
		for (unsigned i = 0; i < YIELDS; i++)
			hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, NULL);
	}
}
