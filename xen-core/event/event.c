/* What a domain does with its ports: bind, send, ask, move, unmask. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "event/channel.h"
#include "event/table.h"

#include "lib/errno.h"

/* A bound port under the table's lock, which it takes: NULL leaves it free again. */
static struct port *port_get_bound(struct domain *domain, evtchn_port_t number)
{
	struct event_table *table = domain->events;
	struct port *port = port_find(table, number);

	lock_take(&table->lock);
	if (port && port->state != PORT_FREE)
		return port;
	lock_release(&table->lock);
	return NULL;
}

int event_alloc_unbound(struct domain *domain, domid_t remote, evtchn_port_t *number)
{
	struct event_table *table = domain->events;
	struct port *port;
	int err;

	lock_take(&table->lock);
	err = port_allocate(domain, number, &port);
	if (!err) {
		port->unbound_for = remote;
		port->state = PORT_UNBOUND;
	}
	lock_release(&table->lock);
	return err;
}

int event_bind_ipi(struct domain *domain, uint32_t vcpu, evtchn_port_t *number)
{
	struct event_table *table = domain->events;
	struct port *port;
	int err;

	if (!domain_vcpu(domain, vcpu))
		return -ENOENT;
	lock_take(&table->lock);
	err = port_allocate(domain, number, &port);
	if (!err) {
		port->notify_vcpu = vcpu;
		port->state = PORT_IPI;
	}
	lock_release(&table->lock);
	return err;
}

int event_bind_virq(struct domain *domain, unsigned virq, uint32_t vcpu_id, evtchn_port_t *number)
{
	struct event_table *table = domain->events;
	struct vcpu *vcpu = domain_vcpu(domain, vcpu_id);
	struct port *port;
	int err;

	if (virq >= NR_VIRQS || (virq_is_global(virq) && vcpu_id))
		return -EINVAL;
	if (!vcpu)
		return -ENOENT;
	lock_take(&table->lock);
	err = vcpu->virq_port[virq] ? -EEXIST : port_allocate(domain, number, &port);
	if (err)
		goto unlock;
	port->virq = virq;
	port->notify_vcpu = vcpu_id;
	port->state = PORT_VIRQ;
	lock_take(&vcpu->event_lock);
	vcpu->virq_port[virq] = *number;
	lock_release(&vcpu->event_lock);
unlock:
	lock_release(&table->lock);
	return err;
}

int event_bind_vcpu(struct domain *domain, evtchn_port_t number, uint32_t vcpu)
{
	struct port *port;
	bool fixed;

	if (!domain_vcpu(domain, vcpu))
		return -ENOENT;
	port = port_get_bound(domain, number);
	if (!port)
		return -EINVAL;
	fixed = port->state == PORT_IPI ||
	        (port->state == PORT_VIRQ && !virq_is_global(port->virq));
	if (!fixed)
		__atomic_store_n(&port->notify_vcpu, vcpu, __ATOMIC_RELAXED);
	lock_release(&domain->events->lock);
	return fixed ? -EINVAL : 0;
}

int event_send(struct domain *domain, evtchn_port_t number)
{
	struct port *port = port_get_bound(domain, number);
	struct domain *remote;
	int err = 0;

	if (!port)
		return -EINVAL;
	switch (port->state) {
	case PORT_INTERDOMAIN:
		remote = port->remote.domain;
		port_deliver(remote, port->remote.port,
		             port_find(remote->events, port->remote.port));
		break;
	case PORT_IPI:
		port_deliver(domain, number, port);
		break;
	case PORT_UNBOUND: /* nobody there yet, who will be told when binding */
		break;
	default:
		err = -EINVAL;
	}
	lock_release(&domain->events->lock);
	return err;
}

int event_unmask(struct domain *domain, evtchn_port_t number)
{
	struct port *port = port_get_bound(domain, number);

	if (!port)
		return -EINVAL;
	domain->events->form->unmask(domain, number, port);
	lock_release(&domain->events->lock);
	return 0;
}

int event_set_priority(struct domain *domain, evtchn_port_t number, uint32_t priority)
{
	struct port *port;

	if (domain->events->form != &port_form_fifo)
		return -ENOSYS;
	if (priority > EVTCHN_FIFO_PRIORITY_MIN)
		return -EINVAL;
	port = port_get_bound(domain, number);
	if (!port)
		return -EINVAL;
	__atomic_store_n(&port->priority, priority, __ATOMIC_RELAXED);
	lock_release(&domain->events->lock);
	return 0;
}

int event_status(struct domain *domain, struct evtchn_status *status)
{
	static const uint32_t names[] = {
		[PORT_FREE] = EVTCHNSTAT_closed,
		[PORT_UNBOUND] = EVTCHNSTAT_unbound,
		[PORT_INTERDOMAIN] = EVTCHNSTAT_interdomain,
		[PORT_VIRQ] = EVTCHNSTAT_virq,
		[PORT_IPI] = EVTCHNSTAT_ipi,
	};
	struct event_table *table = domain->events;
	const struct port *port = port_find(table, status->port);

	if (!port) {
		if (!status->port || status->port >= table->limit)
			return -EINVAL;
		status->status = EVTCHNSTAT_closed;
		return 0;
	}
	lock_take(&table->lock);
	status->status = names[port->state];
	status->vcpu = port->notify_vcpu;
	if (port->state == PORT_UNBOUND)
		status->u.unbound.dom = port->unbound_for;
	else if (port->state == PORT_VIRQ)
		status->u.virq = port->virq;
	else if (port->state == PORT_INTERDOMAIN) {
		status->u.interdomain.dom = port->remote.domain->id;
		status->u.interdomain.port = port->remote.port;
	}
	lock_release(&table->lock);
	return 0;
}
