/* Ports as a guest can choose to see them: a word for each, linked into queues by priority. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "event/fifo.h"

/*
 * A port's word holds PENDING, MASKED, LINKED and, while it is in a queue, the number of the next
 * port of that queue. The guest takes words off the heads by clearing LINKED and the link at once;
 * we put them on at the tails. The guest may write anything there: what we read back we use as a
 * port number after a check only, or not at all, so it confuses itself alone.
 *
 * The queue lock covers all queues of the domain, so that a port can change its queue under it.
 */
#define WORD_PENDING (1U << EVTCHN_FIFO_PENDING)
#define WORD_MASKED  (1U << EVTCHN_FIFO_MASKED)
#define WORD_LINKED  (1U << EVTCHN_FIFO_LINKED)

/* The guest changes a word seldom and briefly; one that does nothing else loses its own events. */
#define LINK_TRIES 64

/* NULL as long as the guest has not given the page that holds it. */
static event_word_t *word_of(const struct domain *domain, evtchn_port_t number)
{
	struct fifo *fifo = domain->events->fifo;
	event_word_t *words;

	if (number / FIFO_WORDS_PER_PAGE >= __atomic_load_n(&fifo->pages, __ATOMIC_ACQUIRE))
		return NULL;
	words = fifo->page[number / FIFO_WORDS_PER_PAGE].address;
	return &words[number % FIFO_WORDS_PER_PAGE];
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

	if (!queue || !queue->control ||
	    __atomic_fetch_or(word, WORD_LINKED, __ATOMIC_SEQ_CST) & WORD_LINKED)
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
	__atomic_fetch_add(&fifo->changes, 1, __ATOMIC_SEQ_CST);
	tell = enqueue(domain, number, port, word);
	__atomic_fetch_add(&fifo->changes, 1, __ATOMIC_SEQ_CST);
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

/* What is masked or queued already stays where it is. */
static void again(struct domain *domain, evtchn_port_t number, struct port *port)
{
	event_word_t *word = word_of(domain, number);

	if (word)
		put_in_queue(domain, number, port, word);
}

static bool is_queued(struct domain *domain, evtchn_port_t number)
{
	event_word_t *word = word_of(domain, number);

	return word && __atomic_load_n(word, __ATOMIC_SEQ_CST) & WORD_LINKED;
}

const struct port_form port_form_fifo = {
	.set_pending = set_pending,
	.clear_pending = clear_pending,
	.is_pending = is_pending,
	.unmask = unmask,
	.again = again,
	.is_queued = is_queued,
};
