/* What a network frontend asks to be sent: ring slots become one packet, or are refused. */
/* SPDX-License-Identifier: Apache-2.0
 *
 * No I/O and no shared memory here: the slots are our copies. Everything in them was written by a guest.
 */

#ifndef REPLICATION_BACKEND_NET_PARSE_H
#define REPLICATION_BACKEND_NET_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#define NET_TX_SLOT_BYTES 12u
#define NET_RX_SLOT_BYTES 8u

/* Fragments of a packet: what Xen's io/netif.h obliges a backend to take. */
#define NET_FRAGMENTS_MAX 18u
/* Extra infos of a packet: one of each known type. */
#define NET_EXTRAS_MAX 4u
#define NET_SLOTS_MAX  (NET_FRAGMENTS_MAX + NET_EXTRAS_MAX)

struct net_slot {
	uint8_t bytes[NET_TX_SLOT_BYTES];
};

struct net_fragment {
	uint32_t ref;
	uint16_t offset, size;
};

/* Large segments, to be cut to size bytes of payload on their way out. */
enum net_gso { NET_GSO_NONE, NET_GSO_TCPV4, NET_GSO_TCPV6 };

struct net_packet {
	uint32_t size;
	uint16_t flags; /* NETTXF_* */
	enum net_gso gso;
	uint16_t gso_size;
	unsigned int slots; /* on the ring, extra infos included */
	unsigned int fragment_count;
	struct net_fragment fragments[NET_FRAGMENTS_MAX];
	uint16_t ids[NET_SLOTS_MAX];
	bool is_extra[NET_SLOTS_MAX];
};

/* Read one packet from the first of available slots. 0, or -EPROTO with *why set: such a frontend is
 * broken or hostile and nothing more is taken from it. */
int net_parse(const struct net_slot *slots, unsigned int available, struct net_packet *packet,
              const char **why);

#endif
