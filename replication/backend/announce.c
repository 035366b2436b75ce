/* What a network card's guest is called on the network, and how that is told there again after a take-over. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/backend/announce.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define ETHERNET_BYTES 14u
#define LEAST_BYTES    60u /* of a frame, without its checksum */
#define TYPE_IPV4      0x0800u
#define TYPE_ARP       0x0806u
#define TYPE_RARP      0x8035u
#define TYPE_IPV6      0x86ddu

#define ARP_BYTES          28u
#define IPV6_BYTES         40u
#define NEXT_ICMPV6        58u
#define NEIGHBOUR_BYTES    24u /* ICMPv6 header and target */
#define SOLICITATION       135u
#define ADVERTISEMENT      136u
#define OPTION_BYTES       8u /* a link-layer address */
#define OPTION_TARGET      2u
#define ADVERTISE_OVERRIDE 0x20u

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static void put16(uint8_t *at, unsigned int value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

bool addresses_parse_mac(const char *text, uint8_t mac[6])
{
	unsigned int byte[6];
	char rest;

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%c", &byte[0], &byte[1], &byte[2], &byte[3],
	           &byte[4], &byte[5], &rest) != 6)
		return false;
	for (unsigned int i = 0; i < 6; i++)
		mac[i] = (uint8_t)byte[i];
	return !(mac[0] & 1);
}

/* --- the table --- */

/* Not: none, this net's, loopback, multicast, broadcast. */
static bool is_host_v4(const uint8_t *ip)
{
	return ip[0] != 0 && ip[0] != 127 && ip[0] < 224;
}

/* Not: none, loopback, mapped IPv4, multicast. */
static bool is_host_v6(const uint8_t *ip)
{
	static const uint8_t none[10];

	return ip[0] != 0xff && memcmp(ip, none, sizeof(none)) != 0;
}

/* is_new: it may take the place of the one that was not used for longest. */
static void see(struct address *table, const uint8_t *ip, size_t size, double now, bool is_new)
{
	struct address *oldest = table;

	for (unsigned int i = 0; i < ADDRESSES_EACH; i++) {
		if (table[i].seen > 0. && !memcmp(table[i].bytes, ip, size)) {
			table[i].seen = now;
			return;
		}
		if (table[i].seen < oldest->seen)
			oldest = &table[i];
	}
	if (!is_new)
		return;
	memset(oldest->bytes, 0, sizeof(oldest->bytes));
	memcpy(oldest->bytes, ip, size);
	oldest->seen = now;
}

/* --- what a guest says --- */

/* Of Ethernet and IPv4, from the card itself: who asks or answers says its own address. */
static void learn_arp(struct addresses *addresses, const uint8_t *arp, size_t length, double now)
{
	static const uint8_t kind[] = { 0, 1, 8, 0, 6, 4 };

	if (length >= ARP_BYTES && !memcmp(arp, kind, sizeof(kind)) &&
	    !memcmp(arp + 8, addresses->mac, 6) && is_host_v4(arp + 14))
		see(addresses->v4, arp + 14, 4, now, true);
}

/* The address that a solicitation or an advertisement is about its sender; NULL: none. */
static const uint8_t *said_by_neighbour(const uint8_t *packet, size_t length)
{
	const uint8_t *icmp = packet + IPV6_BYTES;

	if (packet[6] != NEXT_ICMPV6 || packet[7] != 255 || length < IPV6_BYTES + NEIGHBOUR_BYTES ||
	    icmp[1] != 0)
		return NULL;
	if (icmp[0] == ADVERTISEMENT)
		return icmp + 8;
	return icmp[0] == SOLICITATION ? packet + 8 : NULL;
}

static void learn_ipv6(struct addresses *addresses, const uint8_t *packet, size_t length,
                       double now)
{
	const uint8_t *said;

	if (length < IPV6_BYTES || packet[0] >> 4 != 6)
		return;
	said = said_by_neighbour(packet, length);
	if (said && is_host_v6(said))
		see(addresses->v6, said, 16, now, true);
	else
		see(addresses->v6, packet + 8, 16, now, false);
}

void addresses_learn(struct addresses *addresses, const uint8_t *frame, size_t length, double now)
{
	const uint8_t *packet = frame + ETHERNET_BYTES;

	if (length < ETHERNET_BYTES || memcmp(frame + 6, addresses->mac, 6) != 0)
		return;
	length -= ETHERNET_BYTES;
	switch (get16(frame + 12)) {
	case TYPE_ARP:
		learn_arp(addresses, packet, length, now);
		break;
	case TYPE_IPV4:
		if (length >= 20 && packet[0] >> 4 == 4)
			see(addresses->v4, packet + 12, 4, now, false);
		break;
	case TYPE_IPV6:
		learn_ipv6(addresses, packet, length, now);
		break;
	default:
		break;
	}
}

/* --- as text --- */

static size_t print_one(const struct address *address, int family, double now, char *text,
                        size_t room)
{
	char one[INET6_ADDRSTRLEN];

	if (address->seen <= 0. || now > address->seen + ADDRESSES_FRESH ||
	    !inet_ntop(family, address->bytes, one, sizeof(one)) || strlen(one) + 2 > room)
		return 0;
	return (size_t)sprintf(text, "%s ", one);
}

void addresses_print(const struct addresses *addresses, double now, char text[ADDRESSES_TEXT_MAX])
{
	size_t used = 0;

	text[0] = 0;
	for (unsigned int i = 0; i < ADDRESSES_EACH; i++)
		used += print_one(&addresses->v4[i], AF_INET, now, text + used,
		                  ADDRESSES_TEXT_MAX - used);
	for (unsigned int i = 0; i < ADDRESSES_EACH; i++)
		used += print_one(&addresses->v6[i], AF_INET6, now, text + used,
		                  ADDRESSES_TEXT_MAX - used);
	if (used)
		text[used - 1] = 0;
}

static bool has_room(const struct address *table)
{
	return table[ADDRESSES_EACH - 1].seen <= 0.;
}

static void parse_one(struct addresses *addresses, const char *text, double now)
{
	uint8_t ip[16];

	if (inet_pton(AF_INET, text, ip) == 1 && is_host_v4(ip) && has_room(addresses->v4))
		see(addresses->v4, ip, 4, now, true);
	else if (inet_pton(AF_INET6, text, ip) == 1 && is_host_v6(ip) && has_room(addresses->v6))
		see(addresses->v6, ip, 16, now, true);
}

void addresses_parse(struct addresses *addresses, const char *text, double now)
{
	char one[INET6_ADDRSTRLEN];

	memset(addresses->v4, 0, sizeof(addresses->v4));
	memset(addresses->v6, 0, sizeof(addresses->v6));
	while (*text) {
		size_t length = strcspn(text, " ");

		if (length < sizeof(one)) {
			memcpy(one, text, length);
			one[length] = 0;
			parse_one(addresses, one, now);
		}
		text += length + (text[length] == ' ');
	}
}

/* --- what is told --- */

static void put_ethernet(const struct addresses *addresses, uint8_t *frame, unsigned int type)
{
	memset(frame, 0, ANNOUNCE_BYTES_MAX);
	memset(frame, 0xff, 6);
	memcpy(frame + 6, addresses->mac, 6);
	put16(frame + 12, type);
}

/* ARP as a request for its own address; RARP as one for the address of the MAC, ip NULL. */
static size_t put_arp(const struct addresses *addresses, const uint8_t *ip, uint8_t *frame)
{
	uint8_t *arp = frame + ETHERNET_BYTES;

	put_ethernet(addresses, frame, ip ? TYPE_ARP : TYPE_RARP);
	put16(arp, 1);
	put16(arp + 2, TYPE_IPV4);
	arp[4] = 6;
	arp[5] = 4;
	put16(arp + 6, ip ? 1 : 3);
	memcpy(arp + 8, addresses->mac, 6);
	if (ip) {
		memcpy(arp + 14, ip, 4);
		memcpy(arp + 24, ip, 4);
	} else {
		memcpy(arp + 18, addresses->mac, 6);
	}
	return LEAST_BYTES;
}

static uint32_t add_words(uint32_t sum, const uint8_t *at, size_t length)
{
	for (size_t i = 0; i < length; i += 2)
		sum += get16(at + i);
	return sum;
}

/* Over the pseudo header, too: addresses, length, protocol. */
static unsigned int icmp_checksum(const uint8_t *packet, size_t length)
{
	uint32_t sum = add_words(0, packet + 8, 32) + (uint32_t)length + NEXT_ICMPV6;

	sum = add_words(sum, packet + IPV6_BYTES, length);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

static size_t put_advertisement(const struct addresses *addresses, const uint8_t *ip,
                                uint8_t *frame)
{
	static const uint8_t all_nodes[16] = { 0xff, 2, [15] = 1 };
	static const uint8_t all_macs[6] = { 0x33, 0x33, 0, 0, 0, 1 };
	uint8_t *packet = frame + ETHERNET_BYTES, *icmp = packet + IPV6_BYTES;
	size_t length = NEIGHBOUR_BYTES + OPTION_BYTES;

	put_ethernet(addresses, frame, TYPE_IPV6);
	memcpy(frame, all_macs, sizeof(all_macs));
	packet[0] = 0x60;
	put16(packet + 4, (unsigned int)length);
	packet[6] = NEXT_ICMPV6;
	packet[7] = 255;
	memcpy(packet + 8, ip, 16);
	memcpy(packet + 24, all_nodes, sizeof(all_nodes));
	icmp[0] = ADVERTISEMENT;
	icmp[4] = ADVERTISE_OVERRIDE;
	memcpy(icmp + 8, ip, 16);
	icmp[24] = OPTION_TARGET;
	icmp[25] = 1; /* times eight bytes */
	memcpy(icmp + 26, addresses->mac, 6);
	put16(icmp + 2, icmp_checksum(packet, length));
	return ETHERNET_BYTES + IPV6_BYTES + length;
}

size_t announce_frame(const struct addresses *addresses, unsigned int n, uint8_t *frame)
{
	if (!n)
		return put_arp(addresses, NULL, frame);
	for (unsigned int i = 0; i < ADDRESSES_EACH; i++) {
		if (addresses->v4[i].seen > 0. && !--n)
			return put_arp(addresses, addresses->v4[i].bytes, frame);
	}
	for (unsigned int i = 0; i < ADDRESSES_EACH; i++) {
		if (addresses->v6[i].seen > 0. && !--n)
			return put_advertisement(addresses, addresses->v6[i].bytes, frame);
	}
	return 0;
}
