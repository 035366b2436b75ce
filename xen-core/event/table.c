/* A domain's table of event ports: made, searched, given out. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "event/table.h"

#include "lib/assert.h"
#include "lib/errno.h"
#include "mm/heap.h"

struct lock event_pair_lock = LOCK_INIT(LOCK_EVENT_PAIR);

static unsigned bucket_count(const struct event_table *table)
{
	return (table->limit + PORTS_PER_BUCKET - 1) / PORTS_PER_BUCKET;
}

void table_set_form(struct event_table *table, const struct port_form *form, unsigned ports)
{
	__atomic_store_n(&table->form, form, __ATOMIC_RELEASE);
	__atomic_store_n(&table->end, MIN(table->limit, ports), __ATOMIC_RELEASE);
}

int event_table_create(struct domain *domain, unsigned limit)
{
	struct event_table *table = heap_alloc(sizeof(*table));

	if (!table)
		return -ENOMEM;
	table->limit = limit;
	table->lowest_free = 1; /* port 0 is never valid */
	table_set_form(table, &port_form_2l, domain->layout->ports);
	table->buckets = heap_alloc(bucket_count(table) * sizeof(*table->buckets));
	if (!table->buckets) {
		heap_free(table);
		return -ENOMEM;
	}
	lock_init(&table->lock, LOCK_EVENT);
	domain->events = table;
	return 0;
}

void event_table_destroy(struct domain *domain)
{
	struct event_table *table = domain->events;

	for (unsigned i = 0; i < bucket_count(table); i++)
		heap_free(table->buckets[i]);
	heap_free(table->buckets);
	heap_free(table);
	domain->events = NULL;
}

struct port *port_find(const struct event_table *table, evtchn_port_t number)
{
	struct port *bucket;

	if (!number || number >= __atomic_load_n(&table->end, __ATOMIC_RELAXED))
		return NULL;
	bucket = __atomic_load_n(&table->buckets[number / PORTS_PER_BUCKET], __ATOMIC_ACQUIRE);
	return bucket ? &bucket[number % PORTS_PER_BUCKET] : NULL;
}

struct port *port_make(struct event_table *table, evtchn_port_t number)
{
	struct port *bucket;

	if (!table->buckets[number / PORTS_PER_BUCKET]) {
		bucket = heap_alloc(PORTS_PER_BUCKET * sizeof(*bucket));
		if (!bucket)
			return NULL;
		__atomic_store_n(&table->buckets[number / PORTS_PER_BUCKET], bucket,
		                 __ATOMIC_RELEASE);
	}
	return port_find(table, number);
}

int port_allocate(struct domain *domain, evtchn_port_t *number, struct port **port)
{
	struct event_table *table = domain->events;
	bool skipped = false;

	ASSERT(lock_is_held(&table->lock));
	if (table->closed)
		return -EINVAL;
	for (evtchn_port_t n = table->lowest_free; n < table->end; n++) {
		struct port *found = port_make(table, n);

		if (!found)
			return -ENOMEM;
		if (found->state != PORT_FREE)
			continue;
		if (table->form->is_queued(domain, n)) {
			skipped = true;
			continue;
		}
		found->priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
		if (!skipped)
			table->lowest_free = n + 1;
		*number = n;
		*port = found;
		return 0;
	}
	return -ENOSPC;
}

void port_release(struct domain *domain, evtchn_port_t number, struct port *port)
{
	struct event_table *table = domain->events;

	ASSERT(lock_is_held(&table->lock));
	table->form->clear_pending(domain, number, port);
	port->state = PORT_FREE;
	port->notify_vcpu = 0;
	table->lowest_free = MIN(table->lowest_free, number);
}
