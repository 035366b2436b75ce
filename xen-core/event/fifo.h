/* The memory that a domain's FIFO ports live in: the guest's words and control blocks. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_EVENT_FIFO_H
#define XEN_CORE_EVENT_FIFO_H

#include "dirty/access.h"
#include "event/table.h"

#define FIFO_WORDS_PER_PAGE (PAGE_SIZE / sizeof(event_word_t))
#define FIFO_PAGES          (EVTCHN_FIFO_NR_CHANNELS / FIFO_WORDS_PER_PAGE)

struct fifo {
	struct lock lock; /* LOCK_EVENT_QUEUE */
	uint64_t changes; /* of the queues: odd while one is under way */
	unsigned pages;
	struct access_pin page[FIFO_PAGES];
};

struct fifo_vcpu {
	struct access_pin pin;
	struct evtchn_fifo_control_block *control;
	evtchn_port_t tail[EVTCHN_FIFO_MAX_QUEUES]; /* last put in; 0: queue known to be empty */
};

#endif
