/* Spin locks, fair (tickets), with levels: a CPU takes them in rising order only. See docs/locks.md. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_HW_LOCK_H
#define XEN_CORE_HW_LOCK_H

#include "lib/types.h"

/*
 * Lower level = taken first. Two locks of one level are never held together. The hypervisor runs
 * with interrupts off but at the run loop's window and when idle, where no lock is held: so
 * interrupt handlers may take any lock and no irq-saving variant exists.
 */
enum lock_level {
	LOCK_DOMAINS,     /* the list of domains */
	LOCK_DOMAIN,      /* one domain's life and configuration */
	LOCK_GRANT,       /* one domain's grant table */
	LOCK_EVENT_PAIR,  /* binding and unbinding of two domains' ports; one for all */
	LOCK_EVENT,       /* one domain's event channels */
	LOCK_P2M,         /* one domain's p2m */
	LOCK_VCPU,        /* one vCPU's blocked/poll/timer state */
	LOCK_EVENT_QUEUE, /* one domain's FIFO event queues */
	LOCK_SCHED,       /* one CPU's run queue */
	LOCK_TIMER,       /* one CPU's timer queue */
	LOCK_IPI,         /* the cross-call slot */
	LOCK_HOST_MAP,    /* the hypervisor's own page tables */
	LOCK_HEAP,        /* the small-object heap */
	LOCK_FRAMES,      /* the frame allocator */
	LOCK_CONSOLE,     /* the console ring */
	LOCK_SERIAL,      /* the serial port */
	LOCK_LEVELS
};

struct lock {
	uint16_t next;    /* the ticket a newcomer draws */
	uint16_t serving; /* the ticket that holds the lock */
	uint16_t level;   /* enum lock_level */
};

#define LOCK_INIT(lock_level_)                                                                     \
	{                                                                                          \
		.level = (lock_level_)                                                             \
	}

void lock_init(struct lock *lock, enum lock_level level);
void lock_take(struct lock *lock);
void lock_release(struct lock *lock);
bool lock_is_held(const struct lock *lock); /* by anybody; for assertions */

#endif
