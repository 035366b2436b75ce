/* A domain's table of event ports, as the files of this folder see it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_EVENT_TABLE_H
#define XEN_CORE_EVENT_TABLE_H

#include "domain/domain.h"
#include "lib/bits.h"

/*
 * Locks. The table's own lock (LOCK_EVENT) guards the state of its ports and is held while one of
 * them is used to send. Two tables' locks are never held together: whatever touches both ends of a
 * pair, and every close, is serialised by the one pair lock (LOCK_EVENT_PAIR) and takes the tables'
 * locks one after the other. A domain that goes away unbinds its peers first, under their locks;
 * so a sender that holds its own lock and sees PORT_INTERDOMAIN may use the peer's table.
 *
 * Delivery to a port takes no table lock: ports stay allocated as long as the table, and what the
 * guest sees are atomic bits.
 */
enum port_state {
	PORT_FREE,
	PORT_UNBOUND,     /* waits for unbound_for to bind */
	PORT_INTERDOMAIN, /* sends to remote */
	PORT_VIRQ,
	PORT_IPI,
};

struct port {
	uint8_t state;          /* enum port_state */
	uint8_t priority;       /* FIFO: the queue it goes into, 0 first */
	bool early;             /* FIFO: made pending before its word existed (atomic) */
	uint8_t queue_priority; /* FIFO: the queue that it was last put in, */
	uint16_t queue_vcpu;    /* and that queue's vCPU; both outlive a close */
	uint16_t notify_vcpu;   /* whose upcall tells of it; read without a lock */
	union {
		domid_t unbound_for;
		struct {
			struct domain *domain;
			evtchn_port_t port;
		} remote;
		unsigned virq;
	};
};

/* The two forms in which the guest sees its ports. All may be called without a lock. */
struct port_form {
	/* Makes the port pending and, if it is not masked, raises the vCPU's upcall. Returns true if
	 * it was not pending before. */
	bool (*set_pending)(struct domain *domain, evtchn_port_t number, struct port *port);
	void (*clear_pending)(struct domain *domain, evtchn_port_t number, struct port *port);
	bool (*is_pending)(struct domain *domain, evtchn_port_t number, struct port *port);
	void (*unmask)(struct domain *domain, evtchn_port_t number, struct port *port);
	/* A pending port that is not masked is told of once more if the guest would not see it. */
	void (*again)(struct domain *domain, evtchn_port_t number, struct port *port);
	/* A free port that still stands in a queue must not be given out. */
	bool (*is_queued)(struct domain *domain, evtchn_port_t number);
};

extern const struct port_form port_form_2l, port_form_fifo;

#define PORTS_PER_BUCKET 128 /* a bucket fills most of a page */

struct event_table {
	struct lock lock;
	const struct port_form *form; /* changes only while no port is bound, or early (FIFO) */
	unsigned limit;               /* one more than the highest port number allowed */
	unsigned end;                 /* the same, but no more than the form has */
	unsigned lowest_free;         /* no free port below this one; a hint for the search */
	bool closed;           /* nothing binds: for a reset, or for good as the domain is dying */
	struct port **buckets; /* made on demand, never freed before the table */
	struct fifo *fifo;     /* event/fifo.h; NULL until the guest asks for it */
	unsigned long pollers[BITS_TO_LONGS(DOMAIN_MAX_VCPUS)]; /* vCPUs in SCHEDOP_poll (atomic) */
};

/* One for all domains; see above. */
extern struct lock event_pair_lock;

int event_table_create(struct domain *domain, unsigned limit);
void event_table_destroy(struct domain *domain);

/* NULL if there never was such a port. */
struct port *port_find(const struct event_table *table, evtchn_port_t number);

/* The same, made if there is memory; with the table's lock held. */
struct port *port_make(struct event_table *table, evtchn_port_t number);

/* The table takes this form, with so many ports; under its lock. */
void table_set_form(struct event_table *table, const struct port_form *form, unsigned ports);

/* A free port, still PORT_FREE: the caller, who holds the table's lock, gives it a state. */
int port_allocate(struct domain *domain, evtchn_port_t *number, struct port **port);
void port_release(struct domain *domain, evtchn_port_t number, struct port *port);

/* Makes a port of this domain pending; wakes whoever waits for it. */
void port_deliver(struct domain *domain, evtchn_port_t number, struct port *port);

/* Sets the vCPU's upcall flag; if it was clear the vCPU is made to look at it. */
void event_upcall(struct vcpu *vcpu);

bool virq_is_global(unsigned virq);

/* event/poll.c: a port became pending. */
void poll_wake(struct domain *domain, evtchn_port_t number);
void poll_vcpu_init(struct vcpu *vcpu);
void poll_vcpu_stop(struct vcpu *vcpu);

/* event/timer.c */
void event_timer_vcpu_init(struct vcpu *vcpu);
void event_timer_vcpu_stop(struct vcpu *vcpu);

/* event/fifo_setup.c: back to the two-level form, everything given back. No port is bound. */
void fifo_destroy(struct domain *domain);

#endif
