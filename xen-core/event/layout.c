/* A domain's kernel turns out to have 32 bits, or 64: what it shares with us is laid out so from then on. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/clock.h"
#include "event/event.h"
#include "event/table.h"

#include "lib/errno.h"

/* Under the table's lock. In the FIFO form every port has its place in either layout. */
static bool ports_fit(const struct event_table *table, const struct shared_layout *layout)
{
	for (evtchn_port_t n = layout->ports; table->form == &port_form_2l && n < table->end; n++) {
		const struct port *port = port_find(table, n);

		if (!port)
			n |= PORTS_PER_BUCKET - 1; /* no bucket: on to the next */
		else if (port->state != PORT_FREE)
			return false;
	}
	return true;
}

/* A time area that was registered has the old layout: it is forgotten. */
static void change(struct domain *domain, const struct shared_layout *layout)
{
	struct event_table *table = domain->events;

	__atomic_store_n(&domain->layout, layout, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < DOMAIN_MAX_VCPUS; i++) {
		if (!domain->vcpus[i])
			continue;
		domain->vcpus[i]->runstate_split = 0;
		__atomic_store_n(&domain->vcpus[i]->layout, layout, __ATOMIC_RELEASE);
	}
	if (table->form == &port_form_2l)
		table_set_form(table, &port_form_2l, layout->ports);
}

int event_layout_change(struct domain *domain, const struct shared_layout *layout)
{
	struct event_table *table = domain->events;
	int err = 0;

	if (domain->layout == layout)
		return 0;
	lock_take(&table->lock);
	if (ports_fit(table, layout))
		change(domain, layout);
	else
		err = -EBUSY;
	lock_release(&table->lock);
	if (!err)
		domain_clock_publish_wall(domain);
	return err;
}
