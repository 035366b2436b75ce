/* Checksums and segments left for later: the guest's way to say it, and the tap's. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_BACKEND_NET_OFFLOAD_H
#define REPLICATION_BACKEND_NET_OFFLOAD_H

#include <stddef.h>
#include <stdint.h>

#include <linux/virtio_net.h>

#include "replication/backend/net_parse.h"

#define NET_ETHERNET_BYTES 14u

/* Fill the header that goes before a frame into the tap. frame is the guest's and may be changed: a
 * large segment whose checksum the guest did not prepare is prepared. -EINVAL for a frame whose headers
 * do not bear out what the guest says of it: it is dropped. */
int net_offload_from_guest(const struct net_packet *packet, uint8_t *frame, size_t length,
                           struct virtio_net_hdr *header);

/* What the guest is told of a frame from the tap. */
struct net_offload {
	uint16_t flags; /* NETRXF_csum_blank, NETRXF_data_validated */
	enum net_gso gso;
	uint16_t gso_size;
};

struct net_offload net_offload_to_guest(const struct virtio_net_hdr *header);

#endif
