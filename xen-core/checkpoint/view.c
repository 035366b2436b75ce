/* A chain of state records, checked and taken apart: they came over a network. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/view.h"

#include "checkpoint/view_vcpu.h"
#include "lib/errno.h"

#define GFN_BITS       36
#define VCPU_INFO_SIZE 64u
#define CONTROL_SIZE   72u /* of a FIFO control block */
#define PRIORITIES     16
#define VIRQS          24
#define DOMIDS         0x7ff0u /* those of domains are below */
#define PER_PAGE       1024u   /* FIFO words */

/* What is left of the chain; broken for good after the first record that is not as expected. */
struct chain {
	const char *at, *end;
	const struct view_limits *limits;
	bool broken;
};

static void want(struct chain *chain, bool condition)
{
	if (!condition)
		chain->broken = true;
}

/* The record that has to come now; its length, at least so much. NULL if the chain is broken. */
static const void *next(struct chain *chain, enum state_type type, uint32_t instance,
                        uint32_t least, uint32_t *length)
{
	const struct checkpoint_record *record = (const void *)chain->at;

	if (chain->broken || (size_t)(chain->end - chain->at) < sizeof(*record)) {
		chain->broken = true;
		return NULL;
	}
	chain->at += sizeof(*record);
	want(chain, record->type == type && record->instance == instance && !record->reserved);
	want(chain, record->length >= least && !(record->length & 7));
	want(chain, record->length <= (size_t)(chain->end - chain->at));
	if (chain->broken)
		return NULL;
	chain->at += record->length;
	*length = record->length;
	return record + 1;
}

static const void *next_exact(struct chain *chain, enum state_type type, uint32_t instance,
                              uint32_t wanted)
{
	uint32_t length = 0;
	const void *content = next(chain, type, instance, wanted, &length);

	want(chain, length == wanted);
	return chain->broken ? NULL : content;
}

static bool gfn_is_valid(uint64_t gfn)
{
	return gfn == STATE_NO_GFN || !(gfn >> GFN_BITS);
}

static void read_header(struct chain *chain, struct view *view)
{
	const struct state_header *header = next_exact(chain, STATE_HEADER, 0,
	                                               sizeof(*view->header));

	if (!header)
		return;
	want(chain, header->magic == STATE_MAGIC && header->version == STATE_VERSION);
	want(chain, header->vcpus == chain->limits->vcpus);
	view->header = header;
}

static void read_domain(struct chain *chain, struct view *view)
{
	const struct state_domain *domain = next_exact(chain, STATE_DOMAIN, 0,
	                                               sizeof(*view->domain));

	if (!domain)
		return;
	want(chain, !(domain->flags & ~(STATE_DOMAIN_SHUT_DOWN | STATE_DOMAIN_RUNSTATE_UPDATE |
	                                STATE_DOMAIN_NARROW)));
	want(chain, domain->shutdown_code <= 255);
	want(chain, gfn_is_valid(domain->shared_info_gfn));
	view->domain = domain;
	view->layout = domain->flags & STATE_DOMAIN_NARROW ? &layout_narrow : &layout_wide;
}

static void read_vcpu_places(struct chain *chain, const struct shared_layout *layout,
                             const struct state_vcpu *vcpu)
{
	bool has_info = vcpu->info_gfn != STATE_NO_GFN;

	want(chain, gfn_is_valid(vcpu->info_gfn));
	want(chain, !has_info || (vcpu->info_offset <= PAGE_SIZE - VCPU_INFO_SIZE &&
	                          !(vcpu->info_offset & (layout->info_alignment - 1))));
	want(chain, vcpu->runstate_split <= layout->runstate_size);
	for (unsigned i = 0; i < 2; i++)
		want(chain, !(vcpu->runstate_area[i] >> (GFN_BITS + PAGE_SHIFT)));
}

static void read_vcpu(struct chain *chain, struct view *view, uint32_t i)
{
	const struct view_limits *limits = chain->limits;
	const uint32_t xstate_length = (uint32_t)(sizeof(struct state_xstate) +
	                                          ALIGN_UP(limits->xstate_size, 8));

	view->vcpus[i] = next_exact(chain, STATE_VCPU, i, sizeof(struct state_vcpu));
	view->xstates[i] = next_exact(chain, STATE_XSTATE, i, xstate_length);
	view->lapics[i] = next_exact(chain, STATE_LAPIC, i, sizeof(struct state_lapic));
	if (chain->broken)
		return;
	read_vcpu_places(chain, view->layout, view->vcpus[i]);
	want(chain, view_vcpu_is_valid(view->vcpus[i], limits->address_bits));
	want(chain,
	     view_xstate_is_valid(view->xstates[i]->xcr0, view->xstates[i]->area, limits->xstate));
	want(chain, view_lapic_is_valid(view->lapics[i], i));
}

static void read_events(struct chain *chain, struct view *view)
{
	const struct state_events *events = next_exact(chain, STATE_EVENTS, 0,
	                                               sizeof(*view->events));

	if (!events)
		return;
	want(chain, events->fifo <= 1 && events->pages <= (events->fifo ? STATE_FIFO_PAGES : 0));
	want(chain, events->pages <= (chain->limits->ports + PER_PAGE - 1) / PER_PAGE);
	for (uint32_t i = 0; !chain->broken && i < events->pages; i++)
		want(chain, !(events->gfns[i] >> GFN_BITS));
	view->events = events;
}

static bool port_is_valid(const struct state_port *port, const struct view_limits *limits,
                          uint32_t end)
{
	if (!port->port || port->port >= end || port->vcpu >= limits->vcpus ||
	    port->queue_vcpu >= limits->vcpus || port->priority >= PRIORITIES ||
	    port->queue_priority >= PRIORITIES || port->early > 1)
		return false;
	switch (port->kind) {
	case STATE_PORT_FREE:
	case STATE_PORT_IPI:
		return true;
	case STATE_PORT_UNBOUND:
		return port->peer < DOMIDS;
	case STATE_PORT_INTERDOMAIN:
		return port->peer && port->peer < end && port->peer != port->port;
	case STATE_PORT_VIRQ:
		return port->peer < VIRQS;
	default:
		return false;
	}
}

static const struct state_port *port_find(const struct state_ports *ports, uint32_t number)
{
	uint32_t low = 0, high = ports->count;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (ports->ports[middle].port < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < ports->count && ports->ports[low].port == number ? &ports->ports[low] : NULL;
}

/* Both ends of a pair within the domain name each other. */
static bool peer_is_valid(const struct state_ports *ports, const struct state_port *port)
{
	const struct state_port *peer;

	if (port->kind != STATE_PORT_INTERDOMAIN)
		return true;
	peer = port_find(ports, port->peer);
	return peer && peer->kind == STATE_PORT_INTERDOMAIN && peer->peer == port->port;
}

/* By rising number, none twice. */
static void read_ports(struct chain *chain, struct view *view)
{
	const struct view_limits *limits = chain->limits;
	uint32_t length = 0, last = 0, end = limits->ports;
	const struct state_ports *ports = next(chain, STATE_PORTS, 0, sizeof(*view->ports),
	                                       &length);

	if (!ports)
		return;
	if (!view->events->fifo)
		end = MIN(end, view->layout->ports);
	want(chain, ports->count < end &&
	                    length == sizeof(*ports) + ports->count * sizeof(ports->ports[0]));
	for (uint32_t i = 0; !chain->broken && i < ports->count; i++) {
		want(chain,
		     ports->ports[i].port > last && port_is_valid(&ports->ports[i], limits, end));
		last = ports->ports[i].port;
	}
	for (uint32_t i = 0; !chain->broken && i < ports->count; i++)
		want(chain, peer_is_valid(ports, &ports->ports[i]));
	view->ports = ports;
}

static void read_queues(struct chain *chain, struct view *view, uint32_t i)
{
	const struct state_queues *queues = next_exact(chain, STATE_QUEUES, i,
	                                               sizeof(*view->queues[i]));

	if (!queues)
		return;
	want(chain, gfn_is_valid(queues->control_gfn) && !queues->reserved);
	want(chain, !(queues->offset & 7) && queues->offset <= PAGE_SIZE - CONTROL_SIZE);
	for (unsigned p = 0; p < PRIORITIES; p++)
		want(chain,
		     queues->tails[p] < MIN(chain->limits->ports, view->events->pages * PER_PAGE) ||
		             !queues->tails[p]);
	view->queues[i] = queues;
}

/* A domain comes to the FIFO form by its first control block. */
static bool any_queues(const struct view *view, uint32_t vcpus)
{
	for (uint32_t i = 0; i < vcpus; i++)
		if (view->queues[i]->control_gfn != STATE_NO_GFN)
			return true;
	return false;
}

static void read_grants(struct chain *chain, struct view *view)
{
	uint32_t length = 0;
	const struct state_grants *grants = next(chain, STATE_GRANTS, 0, sizeof(*view->grants),
	                                         &length);

	if (!grants)
		return;
	want(chain, grants->frames && grants->frames <= MIN(chain->limits->grant_frames,
	                                                    (uint32_t)VIEW_FRAMES));
	want(chain, !chain->broken &&
	                    length == sizeof(*grants) + grants->frames * sizeof(grants->gfns[0]));
	for (uint32_t i = 0; !chain->broken && i < grants->frames; i++) {
		want(chain, gfn_is_valid(grants->gfns[i]));
		view->grant_frames[i] = next_exact(chain, STATE_GRANT_FRAME, i, PAGE_SIZE);
	}
	view->grants = grants;
}

int view_make(const void *buffer, size_t size, const struct view_limits *limits, struct view *view)
{
	struct chain chain = { buffer, (const char *)buffer + size, limits, false };

	read_header(&chain, view);
	read_domain(&chain, view);
	for (uint32_t i = 0; !chain.broken && i < limits->vcpus; i++)
		read_vcpu(&chain, view, i);
	view->shared_info = next_exact(&chain, STATE_SHARED_INFO, 0, PAGE_SIZE);
	read_events(&chain, view);
	read_ports(&chain, view);
	for (uint32_t i = 0; !chain.broken && view->events->fifo && i < limits->vcpus; i++)
		read_queues(&chain, view, i);
	want(&chain, chain.broken || !view->events->fifo || any_queues(view, limits->vcpus));
	read_grants(&chain, view);
	next_exact(&chain, STATE_END, 0, 0);
	want(&chain, chain.at == chain.end);
	return chain.broken ? -EINVAL : 0;
}
