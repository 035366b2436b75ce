/* How the memory that a domain and the hypervisor both write is laid out: for 64-bit and for 32-bit kernels. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_VCPU_LAYOUT_H
#define XEN_CORE_VCPU_LAYOUT_H

#include "abi/public.h"
#include "lib/shape.h"

/*
 * Everything that differs between the two. What is not here stands at the same place in both: the array of
 * vcpu_info, in each the upcall flag and the time record, and in shared info the pending ports.
 */
struct shared_layout {
	unsigned ports;          /* of the two-level form, one more than the highest */
	unsigned ports_per_bit;  /* a bit of the vCPU's selector stands for so many */
	uint16_t selector;       /* in vcpu_info */
	uint16_t selector_size;  /* bytes */
	uint16_t info_alignment; /* of a vcpu_info that the guest registers */
	uint16_t mask;           /* in shared info: the masked ports, */
	uint16_t wc_version;     /* the wall clock: version, seconds, nanoseconds; */
	uint16_t wc_sec_hi;      /* the upper half of its seconds */
	uint16_t runstate_size;  /* bytes of the area that a guest registers */
	uint16_t runstate_entry; /* in it: when the state began */
	void (*runstate)(void *area, const struct vcpu_runstate_info *info); /* fills the area */
};

extern const struct shared_layout layout_wide, layout_narrow;

/* The runstate record, also as an operand of vcpu_op. */
extern const struct shape shape_runstate;

#define RUNSTATE_SIZE_MAX sizeof(struct vcpu_runstate_info)

static inline unsigned long *layout_pending(struct shared_info *shared)
{
	return shared->evtchn_pending;
}

static inline unsigned long *layout_mask(const struct shared_layout *layout,
                                         struct shared_info *shared)
{
	return (unsigned long *)(void *)((char *)shared + layout->mask);
}

static inline uint32_t *layout_word(struct shared_info *shared, uint16_t at)
{
	return (uint32_t *)(void *)((char *)shared + at);
}

/* Sets the selector bit of a port; true if it was set before. A full barrier. */
bool layout_select(const struct shared_layout *layout, struct vcpu_info *info, evtchn_port_t port);

/* Sets them all. */
void layout_select_all(const struct shared_layout *layout, struct vcpu_info *info);

#endif
