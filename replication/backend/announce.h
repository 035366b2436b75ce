/* What a network card's guest is called on the network, and how that is told there again after a take-over. */
/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the guest ran, its addresses are learned from what it says of itself in ARP and neighbour discovery (IPv4, IPv6).
 * Where it runs after a take-over, switches must hear its MAC (RARP) and neighbours its addresses (gratuitous ARP,
 * unsolicited neighbour advertisement). Pure: no I/O, no clock.
 */

#ifndef REPLICATION_BACKEND_ANNOUNCE_H
#define REPLICATION_BACKEND_ANNOUNCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of each family; a guest that has more is announced by the last that it used. */
#define ADDRESSES_EACH     4u
#define ADDRESSES_TEXT_MAX 256u /* what a node of the xenstore is written with */
/* One that was not used for so long may be another's by now. Seconds. */
#define ADDRESSES_FRESH 600.0

struct address {
	uint8_t bytes[16]; /* network order; IPv4: the first four */
	double seen;       /* seconds of any clock that goes on; 0: the entry is free */
};

struct addresses {
	uint8_t mac[6];
	struct address v4[ADDRESSES_EACH], v6[ADDRESSES_EACH];
};

/* "00:16:3e:01:02:03". False: it is none, or not of one card. */
bool addresses_parse_mac(const char *text, uint8_t mac[6]);

/*
 * A frame that the guest sends, of whatever contents. Only frames from its own MAC count. ARP and neighbour discovery
 * teach an address; the source of an IP packet shows that one which is known is used yet, and no more, for a guest
 * may be a router. now is above 0.
 */
void addresses_learn(struct addresses *addresses, const uint8_t *frame, size_t length, double now);

/* Those in use, separated by spaces. */
void addresses_print(const struct addresses *addresses, double now, char text[ADDRESSES_TEXT_MAX]);
/* The other way round, with distrust: what is no address that a host can have, or one too many, is left out. */
void addresses_parse(struct addresses *addresses, const char *text, double now);

/* The n-th frame to tell, into room for ANNOUNCE_BYTES_MAX: first RARP, then one for each address. Its length; 0: there is no
 * such. */
#define ANNOUNCE_BYTES_MAX 96u
size_t announce_frame(const struct addresses *addresses, unsigned int n, uint8_t *frame);

#endif
