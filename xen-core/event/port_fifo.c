/* Ports as a guest can choose to see them: a word for each, linked into queues by priority. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "event/channel.h"
#include "event/table.h"

#include "dirty/access.h"
#include "lib/errno.h"
#include "mm/heap.h"

/*
 * A port's word holds PENDING, MASKED, LINKED and, while it is in a queue, the number of the next
 * port of that queue. The guest takes words off the heads by clearing LINKED and the link at once;
 * we put them on at the tails. The guest may write anything there: what we read back we use as a
 * port number after a check only, or not at all, so it confuses itself alone.
 *
 * The queue lock covers all queues of the domain, so that a port can change its queue under it.
 */
#define WORDS_PER_PAGE (PAGE_SIZE / sizeof(event_word_t))
#define FIFO_PAGES     (EVTCHN_FIFO_NR_CHANNELS / WORDS_PER_PAGE)
#define WORD_PENDING   (1U << EVTCHN_FIFO_PENDING)
#define WORD_MASKED    (1U << EVTCHN_FIFO_MASKED)
#define WORD_LINKED    (1U << EVTCHN_FIFO_LINKED)

/* The guest changes a word seldom and briefly; one that does nothing else loses its own events. */
#define LINK_TRIES 64

struct fifo {
	struct lock lock; /* LOCK_EVENT_QUEUE */
	unsigned pages;
	struct access_pin page[FIFO_PAGES];
};

struct fifo_vcpu {
	struct access_pin pin;
	struct evtchn_fifo_control_block *control;
	evtchn_port_t tail[EVTCHN_FIFO_MAX_QUEUES]; /* last put in; 0: queue known to be empty */
};

/* NULL as long as the guest has not given the page that holds it. */
static event_word_t *word_of(const struct domain *domain, evtchn_port_t number)
{
	struct fifo *fifo = domain->events->fifo;
	event_word_t *words;

	if (number / WORDS_PER_PAGE >= __atomic_load_n(&fifo->pages, __ATOMIC_ACQUIRE))
		return NULL;
	words = fifo->page[number / WORDS_PER_PAGE].address;
	return &words[number % WORDS_PER_PAGE];
}

/* Makes the queue's last word point to the port, unless the guest has taken it off meanwhile. */
static bool link_behind(event_word_t *tail, evtchn_port_t number)
{
	event_word_t old = __atomic_load_n(tail, __ATOMIC_RELAXED);

	for (unsigned i = 0; i < LINK_TRIES && old & WORD_LINKED; i++) {
		event_word_t new = (old & ~(event_word_t)EVTCHN_FIFO_LINK_MASK) | number;

		if (__atomic_compare_exchange_n(tail, &old, new, false, __ATOMIC_SEQ_CST,
		                                __ATOMIC_RELAXED))
			return true;
	}
	return false;
}

/* Under the queue lock. Returns the vCPU that is to be told of a queue that was empty, or NULL. */
static struct vcpu *enqueue(struct domain *domain, evtchn_port_t number, struct port *port,
                            event_word_t *word)
{
	unsigned priority = __atomic_load_n(&port->priority, __ATOMIC_RELAXED);
	unsigned notify = __atomic_load_n(&port->notify_vcpu, __ATOMIC_RELAXED);
	struct vcpu *vcpu = domain->vcpus[notify];
	struct fifo_vcpu *queue = vcpu->fifo;
	struct fifo_vcpu *last = domain->vcpus[port->queue_vcpu]->fifo;
	evtchn_port_t tail;
	uint32_t ready;
	bool linked = false;

	if (!queue->control || __atomic_fetch_or(word, WORD_LINKED, __ATOMIC_SEQ_CST) & WORD_LINKED)
		return NULL;
	/* A tail that was off its queue has left it empty: nothing may be put behind it. */
	if (last->tail[port->queue_priority] == number)
		last->tail[port->queue_priority] = 0;
	port->queue_vcpu = notify;
	port->queue_priority = priority;

	tail = queue->tail[priority];
	if (tail)
		linked = link_behind(word_of(domain, tail), number);
	if (!linked)
		__atomic_store_n(&queue->control->head[priority], number, __ATOMIC_RELEASE);
	queue->tail[priority] = number;
	if (linked)
		return NULL;
	ready = __atomic_fetch_or(&queue->control->ready, 1U << priority, __ATOMIC_SEQ_CST);
	return ready & 1U << priority ? NULL : vcpu;
}

static void put_in_queue(struct domain *domain, evtchn_port_t number, struct port *port,
                         event_word_t *word)
{
	struct fifo *fifo = domain->events->fifo;
	struct vcpu *tell;

	if (__atomic_load_n(word, __ATOMIC_SEQ_CST) & (WORD_MASKED | WORD_LINKED))
		return;
	lock_take(&fifo->lock);
	tell = enqueue(domain, number, port, word);
	lock_release(&fifo->lock);
	if (tell)
		event_upcall(tell);
}

/* Without a word yet the port remembers; expand_array looks for these after it added words. */
static event_word_t *word_or_early(struct domain *domain, evtchn_port_t number, struct port *port)
{
	event_word_t *word = word_of(domain, number);

	if (word)
		return word;
	__atomic_store_n(&port->early, true, __ATOMIC_SEQ_CST);
	word = word_of(domain, number);
	if (word && __atomic_exchange_n(&port->early, false, __ATOMIC_SEQ_CST))
		return word;
	return NULL;
}

static bool set_pending(struct domain *domain, evtchn_port_t number, struct port *port)
{
	event_word_t *word = word_or_early(domain, number, port);
	bool was_pending;

	if (!word)
		return true;
	was_pending = __atomic_fetch_or(word, WORD_PENDING, __ATOMIC_SEQ_CST) & WORD_PENDING;
	put_in_queue(domain, number, port, word);
	return !was_pending;
}

static void clear_pending(struct domain *domain, evtchn_port_t number, struct port *port)
{
	event_word_t *word = word_of(domain, number);

	__atomic_store_n(&port->early, false, __ATOMIC_SEQ_CST);
	if (word)
		__atomic_fetch_and(word, ~WORD_PENDING, __ATOMIC_SEQ_CST);
}

static bool is_pending(struct domain *domain, evtchn_port_t number, struct port *port)
{
	event_word_t *word = word_of(domain, number);

	return word ? __atomic_load_n(word, __ATOMIC_SEQ_CST) & WORD_PENDING : port->early;
}

static void unmask(struct domain *domain, evtchn_port_t number, struct port *port)
{
	event_word_t *word = word_of(domain, number);

	if (!word)
		return;
	__atomic_fetch_and(word, ~WORD_MASKED, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(word, __ATOMIC_SEQ_CST) & WORD_PENDING)
		put_in_queue(domain, number, port, word);
}

static bool is_queued(struct domain *domain, evtchn_port_t number)
{
	event_word_t *word = word_of(domain, number);

	return word && __atomic_load_n(word, __ATOMIC_SEQ_CST) & WORD_LINKED;
}

const struct port_form port_form_fifo = {
	.ports = EVTCHN_FIFO_NR_CHANNELS,
	.set_pending = set_pending,
	.clear_pending = clear_pending,
	.is_pending = is_pending,
	.unmask = unmask,
	.is_queued = is_queued,
};

/* What is pending in the old form is remembered as early. Under the table's lock. */
static void take_over_pending(struct domain *domain)
{
	struct event_table *table = domain->events;

	for (evtchn_port_t n = 1; n < MIN(table->limit, port_form_2l.ports); n++) {
		struct port *port = port_find(table, n);

		if (!port)
			n |= PORTS_PER_BUCKET - 1; /* no bucket: on to the next */
		else if (port->state != PORT_FREE && port_form_2l.is_pending(domain, n, port))
			port->early = true;
	}
}

/* Queues for every vCPU, the table and, at last, the switch to this form. */
static int switch_over(struct domain *domain)
{
	struct fifo *fifo = heap_alloc(sizeof(*fifo));

	if (!fifo)
		return -ENOMEM;
	lock_init(&fifo->lock, LOCK_EVENT_QUEUE);
	for (unsigned i = 0; i < DOMAIN_MAX_VCPUS; i++) {
		struct vcpu *vcpu = domain->vcpus[i];

		if (vcpu && !vcpu->fifo)
			vcpu->fifo = heap_alloc(sizeof(struct fifo_vcpu));
		if (vcpu && !vcpu->fifo) {
			heap_free(fifo);
			return -ENOMEM; /* the queues made so far serve the next attempt */
		}
	}
	domain->events->fifo = fifo;
	take_over_pending(domain);
	__atomic_store_n(&domain->events->form, &port_form_fifo, __ATOMIC_RELEASE);
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
	for (unsigned i = 0; i < WORDS_PER_PAGE; i++) {
		evtchn_port_t number = page * WORDS_PER_PAGE + i;
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
	else if (fifo->pages * WORDS_PER_PAGE >= table->limit || fifo->pages == FIFO_PAGES)
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

static void vcpu_forget(struct vcpu *vcpu)
{
	struct fifo_vcpu *queue = vcpu->fifo;

	vcpu->fifo = NULL;
	if (queue && queue->control)
		access_unpin(&queue->pin);
	heap_free(queue);
}

void fifo_destroy(struct domain *domain)
{
	struct event_table *table = domain->events;
	struct fifo *fifo;

	lock_take(&table->lock);
	fifo = table->fifo;
	table->fifo = NULL;
	__atomic_store_n(&table->form, &port_form_2l, __ATOMIC_RELEASE);
	lock_release(&table->lock);
	for (unsigned i = 0; i < DOMAIN_MAX_VCPUS; i++)
		if (domain->vcpus[i])
			vcpu_forget(domain->vcpus[i]);
	for (unsigned i = 0; fifo && i < fifo->pages; i++)
		access_unpin(&fifo->page[i]);
	heap_free(fifo);
}
