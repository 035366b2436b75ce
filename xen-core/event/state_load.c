/* A domain's event channels out of records. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "event/channel.h"
#include "event/event.h"
#include "event/fifo.h"
#include "event/state.h"

#include "lib/errno.h"

static bool is_memory(struct domain *domain, uint64_t gfn)
{
	enum p2m_type type;

	p2m_peek(&domain->p2m, GFN(gfn), &type, NULL);
	return type == P2M_RAM;
}

bool event_state_fits(struct domain *domain, const struct state_events *events)
{
	for (uint32_t i = 0; i < events->pages; i++)
		if (!is_memory(domain, events->gfns[i]))
			return false;
	return true;
}

bool event_state_queues_fit(struct vcpu *vcpu, const struct state_queues *queues)
{
	return queues->control_gfn == STATE_NO_GFN || is_memory(vcpu->domain, queues->control_gfn);
}

/* By the ways that a guest goes; a domain has switched over when its first control block is set. */
static int load_fifo(struct domain *domain, const struct state_events *events,
                     const struct state_queues *const *queues)
{
	int err = 0;

	for (unsigned i = 0; !err && i < domain->vcpu_count; i++) {
		struct evtchn_init_control init = {
			.control_gfn = queues[i]->control_gfn,
			.offset = queues[i]->offset,
			.vcpu = i,
		};
		struct fifo_vcpu *queue;

		if (queues[i]->control_gfn == STATE_NO_GFN)
			continue;
		err = event_fifo_init_control(domain, &init);
		queue = domain->vcpus[i]->fifo;
		for (unsigned p = 0; !err && p < ARRAY_SIZE(queue->tail); p++)
			queue->tail[p] = queues[i]->tails[p];
	}
	for (uint32_t i = 0; !err && i < events->pages; i++)
		err = event_fifo_expand_array(domain, events->gfns[i]);
	return err;
}

static void bind(struct domain *domain, evtchn_port_t number, struct port *port,
                 const struct state_port *from)
{
	switch ((enum state_port_kind)from->kind) {
	case STATE_PORT_FREE:
		port->state = PORT_FREE;
		break;
	case STATE_PORT_UNBOUND:
		port->unbound_for = (domid_t)from->peer;
		port->state = PORT_UNBOUND;
		break;
	case STATE_PORT_INTERDOMAIN:
		port->remote.domain = domain;
		port->remote.port = from->peer;
		port->state = PORT_INTERDOMAIN;
		break;
	case STATE_PORT_VIRQ:
		port->virq = from->peer;
		port->state = PORT_VIRQ;
		if (!virq_is_global(from->peer))
			domain->vcpus[from->vcpu]->virq_port[from->peer] = number;
		else if (domain->privileged)
			domain->vcpus[0]->virq_port[from->peer] = number;
		break;
	case STATE_PORT_IPI:
		port->state = PORT_IPI;
		break;
	}
}

static int load_port(struct domain *domain, const struct state_port *from)
{
	struct event_table *table = domain->events;
	struct port *port;
	int err = 0;

	lock_take(&table->lock);
	port = port_make(table, from->port);
	if (port) {
		port->notify_vcpu = from->vcpu;
		port->priority = from->priority;
		port->queue_vcpu = from->queue_vcpu;
		port->queue_priority = from->queue_priority;
		bind(domain, from->port, port, from);
	} else {
		err = -ENOMEM;
	}
	lock_release(&table->lock);
	return err;
}

/* Pending, but not where the guest looks, if the cut came in between: unmask without a mask puts it there. */
static void deliver_again(struct domain *domain, const struct state_ports *ports)
{
	struct event_table *table = domain->events;

	for (uint32_t i = 0; i < ports->count; i++) {
		evtchn_port_t number = ports->ports[i].port;
		struct port *port = port_find(table, number);

		if (ports->ports[i].early)
			port_deliver(domain, number, port);
		else if (table->form->is_pending(domain, number, port))
			table->form->again(domain, number, port);
	}
	for (unsigned i = 0; i < domain->vcpu_count; i++)
		event_vcpu_info_moved(domain->vcpus[i]);
}

int event_state_load(struct domain *domain, const struct state_events *events,
                     const struct state_ports *ports, const struct state_queues *const *queues)
{
	int err = events->fifo ? load_fifo(domain, events, queues) : 0;

	for (uint32_t i = 0; !err && i < ports->count; i++)
		err = load_port(domain, &ports->ports[i]);
	if (!err)
		deliver_again(domain, ports);
	return err;
}
