/* A chain of state records, checked and taken apart. Nothing of the hypervisor is looked at. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_CHECKPOINT_VIEW_H
#define XEN_CORE_CHECKPOINT_VIEW_H

#include "abi/checkpoint_state.h"
#include "lib/types.h"
#include "vcpu/layout.h"

#define VIEW_VCPUS  128
#define VIEW_FRAMES 1024 /* of a grant table */

/* What the records must fit. */
struct view_limits {
	unsigned vcpus;
	unsigned address_bits; /* of physical addresses */
	uint64_t xstate;       /* XCR0 bits that there are; 0: no XSAVE */
	size_t xstate_size;    /* bytes of the area */
	uint32_t ports;        /* one more than the highest number */
	uint32_t grant_frames;
};

/* Points into the chain. */
struct view {
	const struct state_header *header;
	const struct state_domain *domain;
	const struct shared_layout *layout; /* as the domain's flags say */
	const struct state_vcpu *vcpus[VIEW_VCPUS];
	const struct state_xstate *xstates[VIEW_VCPUS];
	const struct state_lapic *lapics[VIEW_VCPUS];
	const void *shared_info;
	const struct state_events *events;
	const struct state_ports *ports;
	const struct state_queues *queues[VIEW_VCPUS]; /* if events->fifo */
	const struct state_grants *grants;
	const void *grant_frames[VIEW_FRAMES];
};

/* -EINVAL: not what the limits allow, or not a chain at all. The buffer is aligned to 8 bytes. */
int view_make(const void *buffer, size_t size, const struct view_limits *limits, struct view *view);

#endif
