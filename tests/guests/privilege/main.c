/* Everything that only dom0 may do, and everything that reaches for another domain. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/guest.h"

const char test_name[] = "privilege";

static union {
	struct xen_domctl domctl;
	struct xen_sysctl sysctl;
	struct xen_platform_op platform;
	uint8_t bytes[PAGE_SIZE];
} page __attribute__((aligned(4096)));

static domid_t me;

static void clear(void)
{
	for (unsigned i = 0; i < sizeof(page); i++)
		page.bytes[i] = 0;
}

static void refused(const char *what, unsigned operation, long result)
{
	if (result >= 0)
		failed("%s %u: %ld", what, operation, result);
}

static void control(void)
{
	const domid_t targets[] = { 0, me, (domid_t)(me + 1), DOMID_SELF, DOMID_IO, DOMID_XEN };

	for (unsigned cmd = 0; cmd <= 100; cmd++)
		for (unsigned i = 0; i < COUNT(targets); i++) {
			clear();
			page.domctl.cmd = cmd;
			page.domctl.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
			page.domctl.domain = targets[i];
			refused("domctl", cmd,
			        hypercall2(__HYPERVISOR_domctl, (uint64_t)&page, NULL));
		}
	for (unsigned cmd = 0; cmd <= 40; cmd++) {
		clear();
		page.sysctl.cmd = cmd;
		page.sysctl.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
		refused("sysctl", cmd, hypercall2(__HYPERVISOR_sysctl, (uint64_t)&page, NULL));
	}
	for (unsigned cmd = 0; cmd <= 70; cmd++) {
		clear();
		page.platform.cmd = cmd;
		page.platform.interface_version = XENPF_INTERFACE_VERSION;
		refused("platform_op", cmd,
		        hypercall2(__HYPERVISOR_platform_op, (uint64_t)&page, NULL));
	}
	for (unsigned cmd = 0; cmd <= 40; cmd++) {
		clear();
		refused("physdev_op", cmd, hypercall2(__HYPERVISOR_physdev_op, cmd, &page));
	}
	for (unsigned cmd = 0; cmd <= 6; cmd++) {
		clear();
		refused("kexec_op", cmd, hypercall2(__HYPERVISOR_kexec_op, cmd, &page));
	}
	clear();
	refused("mca", 0, hypercall2(__HYPERVISOR_arch_0, (uint64_t)&page, NULL));
}

/* Numbers that are not for guests, or of nothing at all. */
static void other_numbers(void)
{
	static const uint64_t served[] = {
		__HYPERVISOR_memory_op,  __HYPERVISOR_multicall,      __HYPERVISOR_xen_version,
		__HYPERVISOR_console_io, __HYPERVISOR_grant_table_op, __HYPERVISOR_vm_assist,
		__HYPERVISOR_vcpu_op,    __HYPERVISOR_sched_op,       __HYPERVISOR_event_channel_op,
		__HYPERVISOR_hvm_op,
	};

	for (uint64_t number = 0; number < 64; number++) {
		bool is_served = false;

		for (unsigned i = 0; i < COUNT(served); i++)
			is_served |= served[i] == number;
		for (unsigned op = 0; !is_served && op < 50; op++) {
			clear();
			page.bytes[0] = page.bytes[4] = (uint8_t)op;
			refused("by number", (unsigned)number << 8 | op,
			        hypercall(number, op, (uint64_t)&page, 1, (uint64_t)&page, 0));
			refused("by pointer", (unsigned)number << 8 | op,
			        hypercall(number, (uint64_t)&page, 1, (uint64_t)&page, 0, 0));
		}
	}
}

static void other_memory(void)
{
	static xen_pfn_t gfn = 0x100, result = 0x100;
	static xen_ulong_t index = 0x1000;
	static int error;
	domid_t zero = 0;
	struct xen_memory_reservation reservation = { .nr_extents = 1, .domid = 0 };
	struct xen_add_to_physmap add = { .domid = 0,
		                          .space = XENMAPSPACE_shared_info,
		                          .gpfn = 0x100 };
	struct xen_add_to_physmap_batch batch = {
		.domid = DOMID_SELF,
		.space = XENMAPSPACE_gmfn_foreign,
		.size = 1,
	};
	struct xen_remove_from_physmap remove = { .domid = 0, .gpfn = 0x100 };
	struct xen_foreign_memory_map map = { .domid = 0 };
	struct xen_pod_target pod = { .target_pages = 1, .domid = 0 };
	struct xen_mem_acquire_resource resource = { .domid = 0, .type = 1, .nr_frames = 1 };

	set_xen_guest_handle(reservation.extent_start, &gfn);
	set_xen_guest_handle(batch.idxs, &index);
	set_xen_guest_handle(batch.gpfns, &result);
	set_xen_guest_handle(batch.errs, &error);
	set_xen_guest_handle(resource.frame_list, &gfn);
	for (unsigned op = 0; op <= XENMEM_populate_physmap; op++)
		if (op <= XENMEM_decrease_reservation || op == XENMEM_populate_physmap)
			if (hypercall2(__HYPERVISOR_memory_op, op, &reservation) > 0)
				failed("reservation %u of dom0 changed", op);
	refused("memory_op", 3,
	        hypercall2(__HYPERVISOR_memory_op, XENMEM_current_reservation, &zero));
	refused("memory_op", 4,
	        hypercall2(__HYPERVISOR_memory_op, XENMEM_maximum_reservation, &zero));
	refused("memory_op", 14, hypercall2(__HYPERVISOR_memory_op, XENMEM_maximum_gpfn, &zero));
	refused("memory_op", 7, hypercall2(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, &add));
	add.domid = DOMID_SELF;
	add.space = XENMAPSPACE_gmfn_foreign;
	refused("memory_op", 7, hypercall2(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, &add));
	if (hypercall2(__HYPERVISOR_memory_op, XENMEM_add_to_physmap_batch, &batch) >= 0 &&
	    error >= 0)
		failed("mapped a page of dom0");
	refused("memory_op", 15,
	        hypercall2(__HYPERVISOR_memory_op, XENMEM_remove_from_physmap, &remove));
	refused("memory_op", 13, hypercall2(__HYPERVISOR_memory_op, XENMEM_set_memory_map, &map));
	refused("memory_op", 16, hypercall2(__HYPERVISOR_memory_op, XENMEM_set_pod_target, &pod));
	refused("memory_op", 28,
	        hypercall2(__HYPERVISOR_memory_op, XENMEM_acquire_resource, &resource));
	refused("memory_op", 24,
	        hypercall2(__HYPERVISOR_memory_op, XENMEM_claim_pages, &reservation));
	refused("memory_op", 10,
	        hypercall2(__HYPERVISOR_memory_op, XENMEM_machine_memory_map, &page));
}

static void other_params(void)
{
	static const uint32_t kept[] = { HVM_PARAM_STORE_PFN, HVM_PARAM_CONSOLE_PFN,
		                         HVM_PARAM_IDENT_PT };

	for (uint32_t index = 0; index < HVM_NR_PARAMS + 2; index++) {
		struct xen_hvm_param param = { .domid = 0, .index = index, .value = 1 };

		refused("set_param", index,
		        hypercall2(__HYPERVISOR_hvm_op, HVMOP_set_param, &param));
		refused("get_param", index,
		        hypercall2(__HYPERVISOR_hvm_op, HVMOP_get_param, &param));
	}
	for (unsigned i = 0; i < COUNT(kept); i++) {
		struct xen_hvm_param param = { .domid = DOMID_SELF,
			                       .index = kept[i],
			                       .value = 0x100 };
		long result = hypercall2(__HYPERVISOR_hvm_op, HVMOP_set_param, &param);

		refused("own param", kept[i], result);
	}
}

static void other_events(void)
{
	struct evtchn_alloc_unbound alloc = { .dom = 0, .remote_dom = me };
	struct evtchn_reset reset = { .dom = 0 };
	struct evtchn_status status = { .dom = 0, .port = 1 };

	refused("evtchn", EVTCHNOP_alloc_unbound,
	        hypercall2(__HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, &alloc));
	refused("evtchn", EVTCHNOP_reset,
	        hypercall2(__HYPERVISOR_event_channel_op, EVTCHNOP_reset, &reset));
	refused("evtchn", EVTCHNOP_status,
	        hypercall2(__HYPERVISOR_event_channel_op, EVTCHNOP_status, &status));
	for (evtchn_port_t port = 0; port < 300; port++) {
		struct evtchn_bind_interdomain bind = { .remote_dom = 0, .remote_port = port };

		refused("port of dom0", port,
		        hypercall2(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_interdomain,
		                   &bind));
	}
}

static void other_grants(void)
{
	struct gnttab_query_size size = { .dom = 0 };
	struct gnttab_get_version version = { .dom = 0 };

	for (grant_ref_t ref = 0; ref < 2000; ref++) {
		struct gnttab_map_grant_ref map = {
			.host_addr = 0x70000000,
			.flags = GNTMAP_host_map | (ref & 1 ? GNTMAP_readonly : 0),
			.ref = ref,
			.dom = 0,
		};

		hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, &map, 1);
		if (map.status == GNTST_okay)
			failed("mapped grant %u of dom0", ref);
	}
	if (!hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_query_size, &size, 1))
		CHECK(size.status < 0);
	refused("grant version", 0,
	        hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_get_version, &version, 1));
}

static void other_rest(void)
{
	struct sched_remote_shutdown shutdown = { .domain_id = 0, .reason = SHUTDOWN_poweroff };
	char commandline[1024];

	refused("remote_shutdown", 0,
	        hypercall2(__HYPERVISOR_sched_op, SCHEDOP_remote_shutdown, &shutdown));
	for (unsigned op = 0; op < 16; op++)
		for (uint64_t vcpu = 1; vcpu <= 1UL << 40; vcpu <<= 13)
			refused("vcpu_op", op,
			        hypercall(__HYPERVISOR_vcpu_op, op, vcpu, (uint64_t)&page, 0, 0));
	CHECK(!hypercall2(__HYPERVISOR_xen_version, XENVER_commandline, commandline));
	CHECK(commandline[0] == '<');
	for (unsigned op = 0; op < 3; op++)
		if (hypercall(__HYPERVISOR_console_io, op, 4, (uint64_t) "test", 0, 0) > 0)
			failed("console_io %u let in", op);
}

void test_main(void)
{
	me = own_id();
	control();
	other_numbers();
	other_memory();
	other_params();
	other_events();
	other_grants();
	other_rest();
}
