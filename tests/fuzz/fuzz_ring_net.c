/* Feeds a ring of transmit slots to the packet parser, and what it makes of them to the header walk. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/backend/net_parse.c replication/backend/net_offload.c */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "replication/backend/net_offload.h"
#include "replication/backend/net_parse.h"

/* The first bytes of the input are the frame, the rest are slots. */
#define FRAME_BYTES 128u
#define SLOTS_MAX   256u

static void walk(const struct net_packet *packet, const uint8_t *bytes, size_t size)
{
	struct virtio_net_hdr header;
	uint8_t *frame = malloc(size);

	memcpy(frame, bytes, size);
	if (net_offload_from_guest(packet, frame, size, &header) == 0 &&
	    (header.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) &&
	    header.csum_start + header.csum_offset + 2u > size)
		abort();
	free(frame);
}

static void check(const struct net_packet *packet, unsigned int available)
{
	uint32_t sum = 0;

	if (packet->slots == 0 || packet->slots > available || packet->slots > NET_SLOTS_MAX)
		abort();
	for (unsigned int i = 0; i < packet->fragment_count; i++) {
		sum += packet->fragments[i].size;
		if (packet->fragments[i].offset + packet->fragments[i].size > 4096u)
			abort();
	}
	if (sum != packet->size || (packet->gso != NET_GSO_NONE && packet->gso_size == 0))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct net_slot slots[SLOTS_MAX];
	struct net_packet packet;
	const char *why;
	unsigned int count, used = 0;
	size_t frame = size < FRAME_BYTES ? size : FRAME_BYTES;

	count = (unsigned int)((size - frame) / sizeof(slots[0]));
	count = count < SLOTS_MAX ? count : SLOTS_MAX;
	memcpy(slots, data + frame, count * sizeof(slots[0]));
	while (used < count && net_parse(slots + used, count - used, &packet, &why) == 0) {
		check(&packet, count - used);
		walk(&packet, data, frame);
		used += packet.slots;
	}
	return 0;
}
