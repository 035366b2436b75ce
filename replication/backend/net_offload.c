/* Checksums and segments left for later: the guest's way to say it, and the tap's. */
/* SPDX-License-Identifier: Apache-2.0
 *
 * A Xen frontend says only that a checksum is blank. The tap wants to know where it is, so the headers are walked:
 * Ethernet, VLAN tags, IPv4 or IPv6 with its extension headers, TCP or UDP.
 */

#include "replication/backend/net_offload.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <stdint.h>

#include <xen/xen.h>
#include <xen/io/netif.h>

/* Tags before the protocol: customer and provider. */
#define VLAN_TAGS_MAX 2
/* Extension headers of IPv6; more than that no stack sends. */
#define EXTENSIONS_MAX 8

struct headers {
	size_t network, transport;
	bool is_ipv6;
	uint8_t protocol;
};

static uint16_t read16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static int find_network(const uint8_t *frame, size_t length, struct headers *found)
{
	size_t at = NET_ETHERNET_BYTES;
	uint16_t type;

	if (length < at)
		return -EINVAL;
	type = read16(frame + at - 2);
	for (int tags = 0; type == ETH_P_8021Q || type == ETH_P_8021AD; tags++) {
		if (tags == VLAN_TAGS_MAX || length < at + 4)
			return -EINVAL;
		at += 4;
		type = read16(frame + at - 2);
	}
	if (type != ETH_P_IP && type != ETH_P_IPV6)
		return -EINVAL;
	found->network = at;
	found->is_ipv6 = type == ETH_P_IPV6;
	return 0;
}

static int walk_ipv4(const uint8_t *frame, size_t length, struct headers *found)
{
	size_t at = found->network;
	size_t bytes;

	if (length < at + 20)
		return -EINVAL;
	bytes = (size_t)(frame[at] & 15) * 4;
	if (bytes < 20)
		return -EINVAL;
	found->protocol = frame[at + 9];
	found->transport = at + bytes;
	return 0;
}

static bool is_extension(uint8_t protocol)
{
	return protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_ROUTING ||
	       protocol == IPPROTO_DSTOPTS;
}

static int walk_ipv6(const uint8_t *frame, size_t length, struct headers *found)
{
	size_t at = found->network + 40;

	if (length < at)
		return -EINVAL;
	found->protocol = frame[found->network + 6];
	for (int i = 0; is_extension(found->protocol); i++) {
		if (i == EXTENSIONS_MAX || length < at + 8)
			return -EINVAL;
		found->protocol = frame[at];
		at += ((size_t)frame[at + 1] + 1) * 8;
	}
	found->transport = at;
	return 0;
}

/* Where the checksum stands within the transport header, and how long that header is. */
static int measure_transport(const uint8_t *frame, size_t length, const struct headers *headers,
                             size_t *checksum, size_t *bytes)
{
	size_t at = headers->transport;

	if (headers->protocol == IPPROTO_TCP && length >= at + 20) {
		*checksum = 16;
		*bytes = (size_t)(frame[at + 12] >> 4) * 4;
		return *bytes >= 20 && length >= at + *bytes ? 0 : -EINVAL;
	}
	if (headers->protocol == IPPROTO_UDP && length >= at + 8) {
		*checksum = 6;
		*bytes = 8;
		return 0;
	}
	return -EINVAL;
}

static uint32_t sum16(const uint8_t *from, size_t bytes)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < bytes; i += 2)
		sum += read16(from + i);
	return sum;
}

/* The sum over addresses, protocol and length, with which a checksum left blank begins. */
static uint16_t pseudo_sum(const uint8_t *frame, size_t length, const struct headers *headers)
{
	const uint8_t *network = frame + headers->network;
	uint32_t payload = (uint32_t)(length - headers->transport);
	uint32_t sum = headers->is_ipv6 ? sum16(network + 8, 32) : sum16(network + 12, 8);

	sum += headers->protocol + (payload >> 16) + (payload & 0xffff);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

int net_offload_from_guest(const struct net_packet *packet, uint8_t *frame, size_t length,
                           struct virtio_net_hdr *header)
{
	struct headers headers;
	size_t checksum, transport_bytes;
	bool is_blank = packet->flags & NETTXF_csum_blank;

	memset(header, 0, sizeof(*header));
	if (!is_blank && packet->gso == NET_GSO_NONE) {
		if (packet->flags & NETTXF_data_validated)
			header->flags = VIRTIO_NET_HDR_F_DATA_VALID;
		return 0;
	}
	if (find_network(frame, length, &headers) ||
	    (headers.is_ipv6 ? walk_ipv6 : walk_ipv4)(frame, length, &headers) ||
	    measure_transport(frame, length, &headers, &checksum, &transport_bytes))
		return -EINVAL;
	if (!is_blank) {
		uint16_t sum = htons(pseudo_sum(frame, length, &headers));

		memcpy(frame + headers.transport + checksum, &sum, sizeof(sum));
	}
	header->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	header->csum_start = (uint16_t)headers.transport;
	header->csum_offset = (uint16_t)checksum;
	if (packet->gso == NET_GSO_NONE)
		return 0;
	if (headers.protocol != IPPROTO_TCP || headers.is_ipv6 != (packet->gso == NET_GSO_TCPV6))
		return -EINVAL;
	header->gso_type = headers.is_ipv6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;
	header->gso_size = packet->gso_size;
	header->hdr_len = (uint16_t)(headers.transport + transport_bytes);
	return 0;
}

struct net_offload net_offload_to_guest(const struct virtio_net_hdr *header)
{
	struct net_offload offload = { 0 };

	if (header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		offload.flags = NETRXF_csum_blank | NETRXF_data_validated;
	else if (header->flags & VIRTIO_NET_HDR_F_DATA_VALID)
		offload.flags = NETRXF_data_validated;
	switch (header->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_TCPV4:
		offload.gso = NET_GSO_TCPV4;
		break;
	case VIRTIO_NET_HDR_GSO_TCPV6:
		offload.gso = NET_GSO_TCPV6;
		break;
	default:
		return offload;
	}
	offload.gso_size = header->gso_size;
	return offload;
}
