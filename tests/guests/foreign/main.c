/* Reaches for the pages, ports and life of every other domain there is: dom0's and its neighbours'. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/guest.h"

#include "abi/checkpoint.h"

const char test_name[] = "foreign";

#define REFS  64
#define PORTS 64
#define ROOM  0xa0000000UL

static uint64_t page[512] __attribute__((aligned(4096)));
static domid_t me;

static void refused(const char *what, domid_t id, uint64_t which, long result)
{
	if (result >= 0)
		failed("%s %lu of domain %u: %ld", what, which, id, result);
}

static void grants(domid_t id)
{
	struct gnttab_query_size size = { .dom = id };
	struct gnttab_get_version version = { .dom = id };

	for (grant_ref_t ref = 0; ref < REFS; ref++) {
		struct gnttab_map_grant_ref map = {
			.host_addr = ROOM,
			.flags = GNTMAP_host_map | (ref & 1 ? GNTMAP_readonly : 0),
			.ref = ref,
			.dom = id,
		};
		struct gnttab_copy copy = {
			.source = { .u.ref = ref, .domid = id },
			.dest = { .u.gmfn = (uint64_t)page / PAGE_SIZE, .domid = DOMID_SELF },
			.len = 64,
			.flags = GNTCOPY_source_gref,
		};
		struct gnttab_copy back = {
			.source = { .u.gmfn = (uint64_t)page / PAGE_SIZE, .domid = DOMID_SELF },
			.dest = { .u.ref = ref, .domid = id },
			.len = 64,
			.flags = GNTCOPY_dest_gref,
		};

		hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, &map, 1);
		refused("grant", id, ref, map.status);
		hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_copy, &copy, 1);
		refused("copy from grant", id, ref, copy.status);
		hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_copy, &back, 1);
		refused("copy to grant", id, ref, back.status);
	}
	size.status = GNTST_general_error;
	hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_query_size, &size, 1);
	refused("size of grant table", id, 0, size.status);
	refused("grant version", id, 0,
	        hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_get_version, &version, 1));
}

/* Frames by their number, without any grant. */
static void frames(domid_t id)
{
	static xen_pfn_t gfn, place = ROOM / PAGE_SIZE;
	static xen_ulong_t index;
	static int error;
	struct xen_memory_reservation reservation = { .nr_extents = 1, .domid = id };
	struct xen_add_to_physmap add = {
		.domid = id,
		.space = XENMAPSPACE_shared_info,
		.gpfn = 0x100,
	};
	struct xen_add_to_physmap_batch batch = {
		.domid = DOMID_SELF,
		.space = XENMAPSPACE_gmfn_foreign,
		.size = 1,
		.u.foreign_domid = id,
	};
	struct xen_remove_from_physmap remove = { .domid = id };
	struct xen_mem_acquire_resource resource = { .domid = id, .type = 1, .nr_frames = 1 };

	set_xen_guest_handle(reservation.extent_start, &gfn);
	set_xen_guest_handle(batch.idxs, &index);
	set_xen_guest_handle(batch.gpfns, &place);
	set_xen_guest_handle(batch.errs, &error);
	set_xen_guest_handle(resource.frame_list, &place);
	for (gfn = 0; gfn < 0x2000; gfn += 0x101) {
		struct gnttab_copy copy = {
			.source = { .u.gmfn = gfn, .domid = id },
			.dest = { .u.gmfn = (uint64_t)page / PAGE_SIZE, .domid = DOMID_SELF },
			.len = 8,
		};

		hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_copy, &copy, 1);
		refused("copy from page", id, gfn, copy.status);
		copy = (struct gnttab_copy){ .source = copy.dest, .dest = copy.source, .len = 8 };
		hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_copy, &copy, 1);
		refused("copy to page", id, gfn, copy.status);
		index = gfn;
		error = -1;
		if (!hypercall2(__HYPERVISOR_memory_op, XENMEM_add_to_physmap_batch, &batch))
			refused("mapping of page", id, gfn, error);
		remove.gpfn = gfn;
		refused("removal of page", id, gfn,
		        hypercall2(__HYPERVISOR_memory_op, XENMEM_remove_from_physmap, &remove));
		if (hypercall2(__HYPERVISOR_memory_op, XENMEM_decrease_reservation, &reservation) >
		    0)
			failed("page %lu of domain %u taken", gfn, id);
	}
	refused("shared info", id, 0,
	        hypercall2(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, &add));
	refused("resource", id, 1,
	        hypercall2(__HYPERVISOR_memory_op, XENMEM_acquire_resource, &resource));
	refused("reservation", id, 0,
	        hypercall2(__HYPERVISOR_memory_op, XENMEM_current_reservation, &id));
}

static long event(unsigned op, void *argument)
{
	return hypercall2(__HYPERVISOR_event_channel_op, op, argument);
}

static void ports(domid_t id)
{
	struct evtchn_alloc_unbound alloc = { .dom = id, .remote_dom = me };
	struct evtchn_reset reset = { .dom = id };

	refused("new port", id, 0, event(EVTCHNOP_alloc_unbound, &alloc));
	refused("reset of ports", id, 0, event(EVTCHNOP_reset, &reset));
	for (evtchn_port_t port = 0; port < PORTS; port++) {
		struct evtchn_bind_interdomain bind = { .remote_dom = id, .remote_port = port };
		struct evtchn_status status = { .dom = id, .port = port };

		refused("port", id, port, event(EVTCHNOP_bind_interdomain, &bind));
		refused("status of port", id, port, event(EVTCHNOP_status, &status));
	}
}

static void parameters(domid_t id)
{
	for (uint32_t index = 0; index < HVM_NR_PARAMS; index++) {
		struct xen_hvm_param param = { .domid = id, .index = index, .value = 1 };

		refused("setting parameter", id, index,
		        hypercall2(__HYPERVISOR_hvm_op, HVMOP_set_param, &param));
		refused("parameter", id, index,
		        hypercall2(__HYPERVISOR_hvm_op, HVMOP_get_param, &param));
	}
}

static void control(domid_t id)
{
	struct sched_remote_shutdown shutdown = {
		.domain_id = id,
		.reason = SHUTDOWN_poweroff,
	};

	refused("shutdown", id, 0,
	        hypercall2(__HYPERVISOR_sched_op, SCHEDOP_remote_shutdown, &shutdown));
	for (uint32_t cmd = 0; cmd < 100; cmd++) {
		struct xen_domctl domctl = {
			.cmd = cmd,
			.interface_version = XEN_DOMCTL_INTERFACE_VERSION,
			.domain = id,
		};

		refused("domctl", id, cmd,
		        hypercall2(__HYPERVISOR_domctl, (uint64_t)&domctl, NULL));
	}
	for (uint32_t operation = 0; operation < 16; operation++) {
		struct checkpoint_op op = {
			.version = CHECKPOINT_VERSION,
			.operation = operation,
			.domain = id,
		};

		refused("checkpoint", id, operation,
		        hypercall2(HYPERCALL_CHECKPOINT_OP, (uint64_t)&op, NULL));
	}
}

/* Domain ids are handed out in turn: whoever was there before has a lower one. */
void test_main(void)
{
	me = own_id();
	for (domid_t id = 0; id < me + 2; id++) {
		if (id == me)
			continue;
		grants(id);
		frames(id);
		ports(id);
		parameters(id);
		control(id);
	}
	for (unsigned i = 0; i < COUNT(page); i++)
		CHECK(!page[i]);
	note("%u domains asked", me + 1U);
}
