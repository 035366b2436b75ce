/* The hypervisor's idea of 32-bit structures, held against the public headers compiled for 32 bits. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "abi/narrow.h"
#include "abi/public.h"

#define SAME_SIZE(narrow, public) _Static_assert(sizeof(narrow) == sizeof(public), "size")
#define SAME_FIELD(narrow, public, name)                                                           \
	_Static_assert(offsetof(narrow, name) == offsetof(public, name) &&                         \
	                       sizeof(((narrow *)NULL)->name) == sizeof(((public *)NULL)->name),   \
	               #name)

#define SAME(name) SAME_FIELD(struct narrow_add_to_physmap, struct xen_add_to_physmap, name)
SAME_SIZE(struct narrow_add_to_physmap, struct xen_add_to_physmap);
SAME(domid);
SAME(size);
SAME(space);
SAME(idx);
SAME(gpfn);
#undef SAME

#define SAME(name)                                                                                 \
	SAME_FIELD(struct narrow_add_to_physmap_batch, struct xen_add_to_physmap_batch, name)
SAME_SIZE(struct narrow_add_to_physmap_batch, struct xen_add_to_physmap_batch);
SAME(domid);
SAME(space);
SAME(size);
SAME(u);
SAME(idxs);
SAME(gpfns);
SAME(errs);
#undef SAME

#define SAME(name)                                                                                 \
	SAME_FIELD(struct narrow_remove_from_physmap, struct xen_remove_from_physmap, name)
SAME_SIZE(struct narrow_remove_from_physmap, struct xen_remove_from_physmap);
SAME(domid);
SAME(gpfn);
#undef SAME

#define SAME(name) SAME_FIELD(struct narrow_memory_reservation, struct xen_memory_reservation, name)
SAME_SIZE(struct narrow_memory_reservation, struct xen_memory_reservation);
SAME(extent_start);
SAME(nr_extents);
SAME(extent_order);
SAME(mem_flags);
SAME(domid);
#undef SAME

#define SAME(name) SAME_FIELD(struct narrow_memory_map, struct xen_memory_map, name)
SAME_SIZE(struct narrow_memory_map, struct xen_memory_map);
SAME(nr_entries);
SAME(buffer);
#undef SAME

#define SAME(name) SAME_FIELD(struct narrow_gnttab_copy, struct gnttab_copy, name)
SAME_SIZE(struct narrow_gnttab_copy, struct gnttab_copy);
SAME(source.u);
SAME(source.domid);
SAME(source.offset);
SAME(dest.u);
SAME(dest.domid);
SAME(dest.offset);
SAME(len);
SAME(flags);
SAME(status);
#undef SAME

#define SAME(name) SAME_FIELD(struct narrow_vcpu_runstate_info, struct vcpu_runstate_info, name)
SAME_SIZE(struct narrow_vcpu_runstate_info, struct vcpu_runstate_info);
SAME(state);
SAME(state_entry_time);
SAME(time);
#undef SAME

#define SAME(name)                                                                                 \
	SAME_FIELD(struct narrow_vcpu_set_singleshot_timer, struct vcpu_set_singleshot_timer, name)
SAME_SIZE(struct narrow_vcpu_set_singleshot_timer, struct vcpu_set_singleshot_timer);
SAME(timeout_abs_ns);
SAME(flags);
#undef SAME

#define SAME(name) SAME_FIELD(struct narrow_sched_poll, struct sched_poll, name)
SAME_SIZE(struct narrow_sched_poll, struct sched_poll);
SAME(ports);
SAME(nr_ports);
SAME(timeout);
#undef SAME

#define SAME(name) SAME_FIELD(struct narrow_multicall_entry, struct multicall_entry, name)
SAME_SIZE(struct narrow_multicall_entry, struct multicall_entry);
SAME(op);
SAME(result);
SAME(args);
#undef SAME

SAME_SIZE(struct narrow_platform_parameters, struct xen_platform_parameters);

#define SAME(name) SAME_FIELD(struct narrow_vcpu_info, struct vcpu_info, name)
SAME_SIZE(struct narrow_vcpu_info, struct vcpu_info);
SAME(evtchn_upcall_pending);
SAME(evtchn_upcall_mask);
SAME(evtchn_pending_sel);
SAME(arch);
SAME(time);
#undef SAME

#define SAME(name) SAME_FIELD(struct narrow_shared_info, struct shared_info, name)
SAME_SIZE(struct narrow_shared_info, struct shared_info);
SAME(vcpu_info);
SAME(evtchn_pending);
SAME(evtchn_mask);
SAME(wc_version);
SAME(wc_sec);
SAME(wc_nsec);
SAME(arch.wc_sec_hi);
#undef SAME

/* Those that the hypervisor copies without a translation, with the sizes that they have for 64-bit code. */
_Static_assert(sizeof(struct xen_memory_domain) == 2, "size");
_Static_assert(sizeof(struct gnttab_map_grant_ref) == 32, "size");
_Static_assert(sizeof(struct gnttab_unmap_grant_ref) == 24, "size");
_Static_assert(sizeof(struct gnttab_query_size) == 16, "size");
_Static_assert(sizeof(struct gnttab_set_version) == 4, "size");
_Static_assert(sizeof(struct gnttab_get_version) == 8, "size");
_Static_assert(sizeof(struct gnttab_swap_grant_ref) == 12, "size");
_Static_assert(sizeof(struct vcpu_register_vcpu_info) == 16, "size");
_Static_assert(sizeof(struct vcpu_register_runstate_memory_area) == 8, "size");
_Static_assert(sizeof(struct vcpu_register_time_memory_area) == 8, "size");
_Static_assert(sizeof(struct vcpu_set_periodic_timer) == 8, "size");
_Static_assert(sizeof(struct vcpu_get_physid) == 8, "size");
_Static_assert(sizeof(struct xen_hvm_param) == 16, "size");
_Static_assert(sizeof(struct sched_shutdown) == 4, "size");
_Static_assert(sizeof(struct sched_remote_shutdown) == 8, "size");
_Static_assert(sizeof(struct xen_compile_info) == 144, "size");
_Static_assert(sizeof(struct xen_feature_info) == 8, "size");
_Static_assert(sizeof(struct evtchn_alloc_unbound) == 8, "size");
_Static_assert(sizeof(struct evtchn_bind_interdomain) == 12, "size");
_Static_assert(sizeof(struct evtchn_bind_virq) == 12, "size");
_Static_assert(sizeof(struct evtchn_bind_ipi) == 8, "size");
_Static_assert(sizeof(struct evtchn_status) == 24, "size");
_Static_assert(sizeof(struct evtchn_init_control) == 24, "size");
_Static_assert(sizeof(struct evtchn_expand_array) == 8, "size");
_Static_assert(sizeof(struct evtchn_set_priority) == 8, "size");
