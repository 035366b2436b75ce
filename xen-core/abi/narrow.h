/* The public ABI's structures as 32-bit code sees them, where they differ from abi/public.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_ABI_NARROW_H
#define XEN_CORE_ABI_NARROW_H

#include <stdint.h>

/*
 * Pointers, frame numbers and xen_ulong_t have 32 bits, and 64-bit fields stand at multiples of 4.
 * Names of structures and fields are those of the public headers, with "narrow" in place of "xen"
 * or before the rest. tests/guests/narrow holds them against the public headers compiled for 32 bits.
 */
typedef uint64_t narrow_u64 __attribute__((aligned(4)));

/* --- memory_op --- */

struct narrow_add_to_physmap {
	uint16_t domid, size;
	uint32_t space;
	uint32_t idx, gpfn;
};

struct narrow_add_to_physmap_batch {
	uint16_t domid, space, size;
	uint16_t u;
	uint32_t idxs, gpfns, errs;
};

struct narrow_remove_from_physmap {
	uint16_t domid;
	uint32_t gpfn;
};

struct narrow_memory_reservation {
	uint32_t extent_start;
	uint32_t nr_extents;
	uint32_t extent_order, mem_flags;
	uint16_t domid;
};

struct narrow_memory_map {
	uint32_t nr_entries;
	uint32_t buffer;
};

/* --- grant_table_op --- */

struct narrow_gnttab_copy_ptr {
	uint32_t u;
	uint16_t domid, offset;
};

struct narrow_gnttab_copy {
	struct narrow_gnttab_copy_ptr source, dest;
	uint16_t len, flags;
	int16_t status;
};

/* --- vcpu_op --- */

struct narrow_vcpu_runstate_info {
	int32_t state;
	narrow_u64 state_entry_time;
	narrow_u64 time[4];
};

struct narrow_vcpu_set_singleshot_timer {
	narrow_u64 timeout_abs_ns;
	uint32_t flags;
};

/* --- sched_op --- */

struct narrow_sched_poll {
	uint32_t ports;
	uint32_t nr_ports;
	narrow_u64 timeout;
};

/* --- multicall and xen_version --- */

struct narrow_multicall_entry {
	uint32_t op, result;
	uint32_t args[6];
};

struct narrow_platform_parameters {
	uint32_t virt_start;
};

/* --- shared info --- */

struct narrow_vcpu_info {
	uint8_t evtchn_upcall_pending, evtchn_upcall_mask;
	uint32_t evtchn_pending_sel;
	uint32_t arch[6];
	uint32_t time[8]; /* struct vcpu_time_info */
};

struct narrow_arch_shared_info {
	uint32_t max_pfn, pfn_to_mfn_frame_list_list, nmi_reason;
	uint32_t p2m_cr3, p2m_vaddr, p2m_generation;
	uint32_t wc_sec_hi;
};

struct narrow_shared_info {
	struct narrow_vcpu_info vcpu_info[32];
	uint32_t evtchn_pending[32], evtchn_mask[32];
	uint32_t wc_version, wc_sec, wc_nsec;
	struct narrow_arch_shared_info arch;
};

#endif
