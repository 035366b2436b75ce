/* What a network frontend asks to be sent: ring slots become one packet, or are refused. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/backend/net_parse.h"

#include <errno.h>
#include <string.h>

#include <stdint.h>

#include <xen/xen.h>
#include <xen/io/netif.h>

#define PAGE_BYTES 4096u

_Static_assert(sizeof(struct netif_tx_request) == NET_TX_SLOT_BYTES, "transmit slot");
_Static_assert(sizeof(struct netif_rx_request) == NET_RX_SLOT_BYTES, "receive slot");

struct parser {
	const struct net_slot *slots;
	unsigned int available;
	struct net_packet *packet;
	const char *why;
};

static int refuse(struct parser *parser, const char *why)
{
	parser->why = why;
	return -EPROTO;
}

/* The next slot of the packet, copied to entry. */
static int next_slot(struct parser *parser, void *entry, size_t bytes, bool is_extra)
{
	struct net_packet *packet = parser->packet;

	if (packet->slots == parser->available)
		return refuse(parser, "packet goes on beyond the requests");
	if (packet->slots == NET_SLOTS_MAX)
		return refuse(parser, "packet of too many slots");
	memcpy(entry, &parser->slots[packet->slots], bytes);
	packet->is_extra[packet->slots++] = is_extra;
	return 0;
}

static int take_fragment(struct parser *parser, struct netif_tx_request *request)
{
	struct net_packet *packet = parser->packet;
	int err = next_slot(parser, request, sizeof(*request), false);

	if (err)
		return err;
	if (packet->fragment_count == NET_FRAGMENTS_MAX)
		return refuse(parser, "packet of too many fragments");
	packet->ids[packet->slots - 1] = request->id;
	packet->fragments[packet->fragment_count++] = (struct net_fragment){
		.ref = request->gref,
		.offset = request->offset,
		.size = request->size,
	};
	return 0;
}

static int take_gso(struct parser *parser, const struct netif_extra_info *extra)
{
	struct net_packet *packet = parser->packet;

	if (extra->u.gso.size == 0)
		return refuse(parser, "segments of no size");
	if (extra->u.gso.type == XEN_NETIF_GSO_TYPE_TCPV4)
		packet->gso = NET_GSO_TCPV4;
	else if (extra->u.gso.type == XEN_NETIF_GSO_TYPE_TCPV6)
		packet->gso = NET_GSO_TCPV6;
	else
		return refuse(parser, "segments of an unknown protocol");
	packet->gso_size = extra->u.gso.size;
	return 0;
}

static int take_extras(struct parser *parser)
{
	struct netif_extra_info extra;
	unsigned int count = 0;
	int err;

	do {
		if (count++ == NET_EXTRAS_MAX)
			return refuse(parser, "too many extra infos");
		err = next_slot(parser, &extra, sizeof(extra), true);
		if (err)
			return err;
		/* Only what we offered is used; other known types say nothing about this packet. */
		if (extra.type == XEN_NETIF_EXTRA_TYPE_NONE ||
		    extra.type >= XEN_NETIF_EXTRA_TYPE_MAX)
			return refuse(parser, "extra info of an unknown type");
		if (extra.type == XEN_NETIF_EXTRA_TYPE_GSO)
			err = take_gso(parser, &extra);
		if (err)
			return err;
	} while (extra.flags & XEN_NETIF_EXTRA_FLAG_MORE);
	return 0;
}

/* The first slot tells the size of the whole packet: its own is what the others leave. */
static int settle_sizes(struct parser *parser)
{
	struct net_packet *packet = parser->packet;
	uint32_t rest = packet->size;

	for (unsigned int i = 1; i < packet->fragment_count; i++) {
		if (packet->fragments[i].size > rest)
			return refuse(parser, "fragments larger than their packet");
		rest -= packet->fragments[i].size;
	}
	packet->fragments[0].size = (uint16_t)rest;
	for (unsigned int i = 0; i < packet->fragment_count; i++) {
		const struct net_fragment *fragment = &packet->fragments[i];

		if ((uint32_t)fragment->offset + fragment->size > PAGE_BYTES)
			return refuse(parser, "fragment crosses its page");
	}
	return 0;
}

static int parse(struct parser *parser)
{
	struct net_packet *packet = parser->packet;
	struct netif_tx_request request;
	int err = take_fragment(parser, &request);

	if (err)
		return err;
	packet->size = request.size;
	packet->flags = request.flags;
	if (request.flags & NETTXF_extra_info)
		err = take_extras(parser);
	while (!err && (request.flags & NETTXF_more_data))
		err = take_fragment(parser, &request);
	return err ? err : settle_sizes(parser);
}

int net_parse(const struct net_slot *slots, unsigned int available, struct net_packet *packet,
              const char **why)
{
	struct parser parser = { slots, available, packet, NULL };
	int err;

	memset(packet, 0, sizeof(*packet));
	err = parse(&parser);
	*why = parser.why;
	return err;
}
