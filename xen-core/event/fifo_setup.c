/* A domain moves to FIFO ports: its control blocks and words are pinned, and given back at the end. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "event/channel.h"
#include "event/fifo.h"

#include "lib/errno.h"
#include "mm/heap.h"

/* What is pending in the old form is remembered as early. Under the table's lock. */
static void take_over_pending(struct domain *domain)
{
	struct event_table *table = domain->events;

	for (evtchn_port_t n = 1; n < table->end; n++) {
		struct port *port = port_find(table, n);

		if (!port)
			n |= PORTS_PER_BUCKET - 1; /* no bucket: on to the next */
		else if (port->state != PORT_FREE && port_form_2l.is_pending(domain, n, port))
			port->early = true;
	}
}

static void vcpu_forget(struct vcpu *vcpu)
{
	struct fifo_vcpu *queue = vcpu->fifo;

	vcpu->fifo = NULL;
	if (queue && queue->control)
		access_unpin(&queue->pin);
	heap_free(queue);
}

static void queues_destroy(struct domain *domain)
{
	for (unsigned i = 0; i < DOMAIN_MAX_VCPUS; i++)
		if (domain->vcpus[i])
			vcpu_forget(domain->vcpus[i]);
}

static int queues_create(struct domain *domain)
{
	for (unsigned i = 0; i < DOMAIN_MAX_VCPUS; i++) {
		struct vcpu *vcpu = domain->vcpus[i];

		if (!vcpu)
			continue;
		vcpu->fifo = heap_alloc(sizeof(struct fifo_vcpu));
		if (!vcpu->fifo) {
			queues_destroy(domain);
			return -ENOMEM;
		}
	}
	return 0;
}

/* Queues for every vCPU, the table and, at last, the switch to this form. */
static int switch_over(struct domain *domain)
{
	struct fifo *fifo = heap_alloc(sizeof(*fifo));

	if (!fifo)
		return -ENOMEM;
	if (queues_create(domain)) {
		heap_free(fifo);
		return -ENOMEM;
	}
	lock_init(&fifo->lock, LOCK_EVENT_QUEUE);
	domain->events->fifo = fifo;
	take_over_pending(domain);
	table_set_form(domain->events, &port_form_fifo, EVTCHN_FIFO_NR_CHANNELS);
	return 0;
}

static int set_control(struct vcpu *vcpu, const struct access_pin *pin, uint32_t offset)
{
	struct fifo_vcpu *queue = vcpu->fifo;

	if (queue->control)
		return -EINVAL; /* once in the life of this form */
	queue->pin = *pin;
	queue->control = (void *)((char *)pin->address + offset);
	return 0;
}

int event_fifo_init_control(struct domain *domain, struct evtchn_init_control *init)
{
	struct event_table *table = domain->events;
	struct vcpu *vcpu = domain_vcpu(domain, init->vcpu);
	struct access_pin pin = { .mfn = MFN_NONE };
	int err;

	if (!vcpu)
		return -ENOENT;
	if (init->offset & 7 || init->offset > PAGE_SIZE - sizeof(struct evtchn_fifo_control_block))
		return -EINVAL;
	if (access_pin(&domain->p2m, GFN(init->control_gfn), &pin))
		return -EINVAL;
	lock_take(&table->lock);
	err = table->fifo ? 0 : switch_over(domain);
	if (!err)
		err = set_control(vcpu, &pin, init->offset);
	lock_release(&table->lock);
	if (err)
		access_unpin(&pin);
	else
		init->link_bits = EVTCHN_FIFO_LINK_BITS;
	return err;
}

/* Ports of the new page that were made pending before they had words. */
static void deliver_early(struct domain *domain, unsigned page)
{
	for (unsigned i = 0; i < FIFO_WORDS_PER_PAGE; i++) {
		evtchn_port_t number = page * FIFO_WORDS_PER_PAGE + i;
		struct port *port = port_find(domain->events, number);

		if (port && __atomic_exchange_n(&port->early, false, __ATOMIC_SEQ_CST))
			port_deliver(domain, number, port);
	}
}

int event_fifo_expand_array(struct domain *domain, uint64_t gfn)
{
	struct event_table *table = domain->events;
	struct access_pin pin;
	struct fifo *fifo;
	int err = 0;

	if (access_pin(&domain->p2m, GFN(gfn), &pin))
		return -EINVAL;
	lock_take(&table->lock);
	fifo = table->fifo;
	if (!fifo)
		err = -EINVAL;
	else if (fifo->pages * FIFO_WORDS_PER_PAGE >= table->limit || fifo->pages == FIFO_PAGES)
		err = -ENOSPC;
	if (!err) {
		fifo->page[fifo->pages] = pin;
		__atomic_store_n(&fifo->pages, fifo->pages + 1, __ATOMIC_SEQ_CST);
		deliver_early(domain, fifo->pages - 1);
	}
	lock_release(&table->lock);
	if (err)
		access_unpin(&pin);
	return err;
}

void fifo_destroy(struct domain *domain)
{
	struct event_table *table = domain->events;
	struct fifo *fifo;

	lock_take(&table->lock);
	fifo = table->fifo;
	table->fifo = NULL;
	table_set_form(table, &port_form_2l, domain->layout->ports);
	lock_release(&table->lock);
	if (!fifo)
		return;
	queues_destroy(domain);
	for (unsigned i = 0; i < fifo->pages; i++)
		access_unpin(&fifo->page[i]);
	heap_free(fifo);
}
