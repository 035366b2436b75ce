/* Ports of two domains joined and parted, and every close: see the locks in event/table.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "event/channel.h"
#include "event/event.h"
#include "event/table.h"

#include "lib/assert.h"
#include "lib/errno.h"

/* With the pair lock held nobody else ends this state of the remote port. */
static bool waits_for(struct domain *remote, evtchn_port_t number, domid_t binder)
{
	struct event_table *table = remote->events;
	const struct port *port = port_find(table, number);
	bool waits;

	lock_take(&table->lock);
	waits = port && !table->closed && port->state == PORT_UNBOUND &&
	        port->unbound_for == binder;
	lock_release(&table->lock);
	return waits;
}

static void join(struct domain *domain, struct port *port, struct domain *peer,
                 evtchn_port_t peer_port)
{
	port->remote.domain = peer;
	port->remote.port = peer_port;
	port->state = PORT_INTERDOMAIN;
	ASSERT(lock_is_held(&domain->events->lock));
}

static int bind_locked(struct domain *domain, struct domain *remote, evtchn_port_t remote_number,
                       evtchn_port_t *number)
{
	struct port *port;
	int err;

	if (!waits_for(remote, remote_number, domain->id))
		return -EINVAL;
	lock_take(&domain->events->lock);
	err = port_allocate(domain, number, &port);
	if (!err)
		join(domain, port, remote, remote_number);
	lock_release(&domain->events->lock);
	if (err)
		return err;

	lock_take(&remote->events->lock);
	join(remote, port_find(remote->events, remote_number), domain, *number);
	lock_release(&remote->events->lock);

	/* The other side may have sent before anybody was there. */
	port_deliver(domain, *number, port);
	return 0;
}

int event_bind_interdomain(struct domain *domain, struct domain *remote,
                           evtchn_port_t remote_number, evtchn_port_t *number)
{
	int err;

	lock_take(&event_pair_lock);
	err = bind_locked(domain, remote, remote_number, number);
	lock_release(&event_pair_lock);
	return err;
}

/* The peer waits for this domain again, as before the bind. */
static void part(const struct domain *domain, const struct port *port)
{
	struct event_table *table = port->remote.domain->events;
	struct port *peer = port_find(table, port->remote.port);

	lock_take(&table->lock);
	ASSERT(peer->state == PORT_INTERDOMAIN && peer->remote.domain == domain);
	peer->state = PORT_UNBOUND;
	peer->unbound_for = domain->id;
	lock_release(&table->lock);
}

static void forget_virq(struct domain *domain, const struct port *port)
{
	struct vcpu *holder = domain->vcpus[virq_is_global(port->virq) ? 0 : port->notify_vcpu];

	lock_take(&holder->event_lock);
	holder->virq_port[port->virq] = 0;
	lock_release(&holder->event_lock);
}

static int close_locked(struct domain *domain, evtchn_port_t number)
{
	struct event_table *table = domain->events;
	struct port *port = port_find(table, number);

	ASSERT(lock_is_held(&event_pair_lock));
	if (!port)
		return -EINVAL;
	if (port->state == PORT_INTERDOMAIN)
		part(domain, port);
	lock_take(&table->lock);
	if (port->state == PORT_FREE) {
		lock_release(&table->lock);
		return -EINVAL;
	}
	if (port->state == PORT_VIRQ)
		forget_virq(domain, port);
	port_release(domain, number, port);
	lock_release(&table->lock);
	return 0;
}

int event_close(struct domain *domain, evtchn_port_t number)
{
	int err;

	lock_take(&event_pair_lock);
	err = close_locked(domain, number);
	lock_release(&event_pair_lock);
	return err;
}

static void close_every(struct domain *domain)
{
	struct event_table *table = domain->events;

	for (evtchn_port_t n = 1; n < table->limit; n++) {
		const struct port *port = port_find(table, n);

		if (!port)
			n |= PORTS_PER_BUCKET - 1; /* no bucket: on to the next */
		else if (port->state != PORT_FREE)
			close_locked(domain, n);
	}
}

static bool set_closed(struct event_table *table, bool closed)
{
	bool was_closed;

	lock_take(&table->lock);
	was_closed = table->closed;
	table->closed = closed;
	lock_release(&table->lock);
	return was_closed;
}

void event_close_all(struct domain *domain)
{
	lock_take(&event_pair_lock);
	set_closed(domain->events, true);
	close_every(domain);
	lock_release(&event_pair_lock);
}

/* Nothing binds until the form has changed: whoever delivers to a bound port relies on it to stay. */
int event_reset(struct domain *domain)
{
	bool was_closed;

	lock_take(&event_pair_lock);
	was_closed = set_closed(domain->events, true);
	close_every(domain);
	fifo_destroy(domain);
	set_closed(domain->events, was_closed);
	lock_release(&event_pair_lock);
	return 0;
}
