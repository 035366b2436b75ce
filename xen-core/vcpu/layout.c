/* The two layouts of what a domain shares with the hypervisor, and the vCPU's selector of ports. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "vcpu/layout.h"

#include "abi/narrow.h"
#include "lib/string.h"

/* What the code elsewhere takes to be at the same place. */
_Static_assert(sizeof(struct narrow_vcpu_info) == sizeof(struct vcpu_info), "vcpu_info");
_Static_assert(offsetof(struct narrow_vcpu_info, evtchn_upcall_pending) ==
                       offsetof(struct vcpu_info, evtchn_upcall_pending),
               "upcall flag");
_Static_assert(offsetof(struct narrow_vcpu_info, time) == offsetof(struct vcpu_info, time) &&
                       sizeof(((struct narrow_vcpu_info *)NULL)->time) ==
                               sizeof(struct vcpu_time_info),
               "time record");
_Static_assert(offsetof(struct narrow_shared_info, evtchn_pending) ==
                       offsetof(struct shared_info, evtchn_pending),
               "pending ports");
_Static_assert(sizeof(struct shared_info) <= PAGE_SIZE, "shared info");

static const struct shape_field runstate_fields[] = {
	SHAPE_FIELD(struct vcpu_runstate_info, struct narrow_vcpu_runstate_info, state),
	SHAPE_FIELD(struct vcpu_runstate_info, struct narrow_vcpu_runstate_info, state_entry_time),
	SHAPE_FIELD(struct vcpu_runstate_info, struct narrow_vcpu_runstate_info, time),
};

const struct shape shape_runstate = SHAPE_OF(struct vcpu_runstate_info,
                                             struct narrow_vcpu_runstate_info, runstate_fields);

static void runstate_wide(void *area, const struct vcpu_runstate_info *info)
{
	memcpy(area, info, sizeof(*info));
}

static void runstate_narrow(void *area, const struct vcpu_runstate_info *info)
{
	shape_narrow(&shape_runstate, area, info);
}

const struct shared_layout layout_wide = {
	.ports = 64 * 64,
	.ports_per_bit = 64,
	.selector = offsetof(struct vcpu_info, evtchn_pending_sel),
	.selector_size = 8,
	.info_alignment = 8,
	.mask = offsetof(struct shared_info, evtchn_mask),
	.wc_version = offsetof(struct shared_info, wc_version),
	.wc_sec_hi = offsetof(struct shared_info, wc_sec_hi),
	.runstate_size = sizeof(struct vcpu_runstate_info),
	.runstate_entry = offsetof(struct vcpu_runstate_info, state_entry_time),
	.runstate = runstate_wide,
};

const struct shared_layout layout_narrow = {
	.ports = 32 * 32,
	.ports_per_bit = 32,
	.selector = offsetof(struct narrow_vcpu_info, evtchn_pending_sel),
	.selector_size = 4,
	.info_alignment = 4,
	.mask = offsetof(struct narrow_shared_info, evtchn_mask),
	.wc_version = offsetof(struct narrow_shared_info, wc_version),
	.wc_sec_hi = offsetof(struct narrow_shared_info, arch.wc_sec_hi),
	.runstate_size = sizeof(struct narrow_vcpu_runstate_info),
	.runstate_entry = offsetof(struct narrow_vcpu_runstate_info, state_entry_time),
	.runstate = runstate_narrow,
};

static uint8_t *selector(const struct shared_layout *layout, struct vcpu_info *info)
{
	return (uint8_t *)info + layout->selector;
}

/* Byte by byte: the selector's width and alignment are the guest's business. */
bool layout_select(const struct shared_layout *layout, struct vcpu_info *info, evtchn_port_t port)
{
	unsigned bit = port / layout->ports_per_bit;
	uint8_t mask = (uint8_t)(1u << bit % 8);

	return __atomic_fetch_or(selector(layout, info) + bit / 8, mask, __ATOMIC_SEQ_CST) & mask;
}

void layout_select_all(const struct shared_layout *layout, struct vcpu_info *info)
{
	for (unsigned i = 0; i < layout->selector_size; i++)
		__atomic_store_n(selector(layout, info) + i, 0xff, __ATOMIC_SEQ_CST);
}
