/* A domain's event channels into records. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "event/state.h"

#include "event/fifo.h"
#include "event/table.h"

uint64_t event_state_changes(const struct domain *domain)
{
	const struct fifo *fifo = domain->events->fifo;

	return fifo ? __atomic_load_n(&fifo->changes, __ATOMIC_SEQ_CST) : 0;
}

bool event_state_is_fifo(const struct domain *domain)
{
	return domain->events->fifo;
}

uint32_t event_state_limit(const struct domain *domain)
{
	return domain->events->limit;
}

/* A closed port matters as long as it stands in a queue. */
static bool is_told(const struct domain *domain, evtchn_port_t number, const struct port *port)
{
	return port->state != PORT_FREE || port->early ||
	       domain->events->form->is_queued((struct domain *)(uintptr_t)domain, number);
}

/* The first port at or after a number that is to be told of; NULL after the last. */
static const struct port *find_from(const struct domain *domain, evtchn_port_t *number)
{
	const struct event_table *table = domain->events;

	for (; *number < table->end; ++*number) {
		const struct port *port = port_find(table, *number);

		if (!port)
			*number |= PORTS_PER_BUCKET - 1; /* no bucket: on to the next */
		else if (is_told(domain, *number, port))
			return port;
	}
	return NULL;
}

uint32_t event_state_ports(const struct domain *domain)
{
	uint32_t count = 0;

	for (evtchn_port_t n = 1; find_from(domain, &n); n++)
		count++;
	return count;
}

void event_state_save(struct domain *domain, struct state_events *events)
{
	const struct fifo *fifo = domain->events->fifo;

	*events = (struct state_events){ .fifo = fifo != NULL, .pages = fifo ? fifo->pages : 0 };
	for (uint32_t i = 0; i < events->pages; i++)
		events->gfns[i] = fifo->page[i].gfn.v;
}

static void save_port(const struct domain *domain, evtchn_port_t number, const struct port *port,
                      struct state_port *to)
{
	*to = (struct state_port){
		.port = number,
		.vcpu = port->notify_vcpu,
		.queue_vcpu = port->queue_vcpu,
		.priority = port->priority,
		.queue_priority = port->queue_priority,
		.early = port->early,
	};
	switch ((enum port_state)port->state) {
	case PORT_FREE:
		to->kind = STATE_PORT_FREE;
		break;
	case PORT_UNBOUND:
		to->kind = STATE_PORT_UNBOUND;
		to->peer = port->unbound_for;
		break;
	case PORT_INTERDOMAIN:
		to->kind = port->remote.domain == domain ? STATE_PORT_INTERDOMAIN
		                                         : STATE_PORT_UNBOUND;
		to->peer = port->remote.domain == domain ? port->remote.port
		                                         : port->remote.domain->id;
		break;
	case PORT_VIRQ:
		to->kind = STATE_PORT_VIRQ;
		to->peer = port->virq;
		break;
	case PORT_IPI:
		to->kind = STATE_PORT_IPI;
		break;
	}
}

void event_state_save_ports(struct domain *domain, struct state_ports *ports, uint32_t room)
{
	struct event_table *table = domain->events;
	const struct port *port;

	*ports = (struct state_ports){ .count = 0 };
	lock_take(&table->lock);
	for (evtchn_port_t n = 1; ports->count < room && (port = find_from(domain, &n)); n++)
		save_port(domain, n, port, &ports->ports[ports->count++]);
	lock_release(&table->lock);
}

void event_state_save_queues(const struct vcpu *vcpu, struct state_queues *queues)
{
	const struct fifo_vcpu *queue = vcpu->fifo;

	*queues = (struct state_queues){ .control_gfn = STATE_NO_GFN };
	if (!queue || !queue->control)
		return;
	queues->control_gfn = queue->pin.gfn.v;
	queues->offset = (uint32_t)((uintptr_t)queue->control & (PAGE_SIZE - 1));
	for (unsigned i = 0; i < ARRAY_SIZE(queues->tails); i++)
		queues->tails[i] = queue->tail[i];
}
