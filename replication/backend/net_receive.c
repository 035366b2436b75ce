/* What a guest receives: from the tap, by grant copy, into the pages it has posted. */
/* SPDX-License-Identifier: Apache-2.0
 *
 * When the guest posts too few pages, frames stay in the tap's own bounded queue.
 */

#include <errno.h>
#include <string.h>

#include <stdint.h>

#include <xen/xen.h>
#include <xen/io/netif.h>

#include "replication/backend/net_card.h"
#include "replication/backend/net_offload.h"

_Static_assert(sizeof(struct netif_rx_response) == sizeof(struct netif_extra_info),
               "an extra info takes the place of a response");

/* Responses gathered in a round, one for each slot used. */
struct round {
	unsigned int count, available;
	struct netif_rx_response responses[RING_SLOTS_MAX];
};

static unsigned int pages_of(size_t bytes)
{
	return (unsigned int)((bytes + RING_PAGE_SIZE - 1) / RING_PAGE_SIZE);
}

static void add_extra(struct round *round, const struct net_offload *offload)
{
	struct netif_extra_info extra = {
		.type = XEN_NETIF_EXTRA_TYPE_GSO,
		.u.gso = {
			.size = offload->gso_size,
			.type = offload->gso == NET_GSO_TCPV4 ? XEN_NETIF_GSO_TYPE_TCPV4
							      : XEN_NETIF_GSO_TYPE_TCPV6,
		},
	};

	memcpy(&round->responses[round->count++], &extra, sizeof(extra));
}

/* Copy one piece into the page of the next slot. */
static int add_piece(struct net_card *card, struct round *round, const uint8_t *piece, size_t bytes,
                     uint16_t flags)
{
	struct netif_rx_request request;

	ring_peek(&card->receive.ring, round->count, &request);
	round->responses[round->count++] = (struct netif_rx_response){
		.id = request.id,
		.flags = flags,
		.status = (int16_t)bytes,
	};
	return grants_write(&card->device.host->grants, request.gref, 0, piece, (uint16_t)bytes);
}

/* Lay a frame into slots. -EAGAIN if there are too few, -EFAULT if the guest's pages cannot be written. */
static int place(struct net_card *card, struct round *round, const struct virtio_net_hdr *header,
                 const uint8_t *frame, size_t bytes)
{
	struct net_offload offload = net_offload_to_guest(header);
	unsigned int pages = pages_of(bytes);
	uint16_t first = offload.flags;
	int err = 0;

	if (round->count + pages + (offload.gso != NET_GSO_NONE) > round->available)
		return -EAGAIN;
	if (offload.gso != NET_GSO_NONE)
		first |= NETRXF_extra_info;
	for (unsigned int i = 0; i < pages && !err; i++) {
		size_t piece = i + 1 < pages ? RING_PAGE_SIZE : bytes - i * RING_PAGE_SIZE;
		uint16_t more = i + 1 < pages ? NETRXF_more_data : 0;

		err = add_piece(card, round, frame + i * RING_PAGE_SIZE, piece,
		                (uint16_t)((i ? 0 : first) | more));
		if (i == 0 && offload.gso != NET_GSO_NONE)
			add_extra(round, &offload);
	}
	return err;
}

/* Read frames into slots until the tap or the slots run out, or the round is over.
 * 0 to come again, -EAGAIN when the tap is empty, -ENOBUFS when slots are missing, else the device fails. */
static int fill(struct net_card *card, struct round *round)
{
	struct net_receive *receive = &card->receive;
	size_t at = 0;

	for (unsigned int frames = 0; frames < NET_FRAMES_A_ROUND; frames++) {
		int err;

		if (at + TAP_FRAME_BYTES_MAX > NET_ARENA_BYTES)
			break;
		if (!receive->is_held) {
			ssize_t got = tap_read(card->tap, &receive->held, receive->arena + at,
			                       TAP_FRAME_BYTES_MAX);
			if (got < 0)
				return (int)got;
			receive->held_bytes = (size_t)got;
		}
		if (!card->guest_takes_fragments && receive->held_bytes > RING_PAGE_SIZE)
			err = 0; /* dropped: the guest cannot take it */
		else
			err = place(card, round, &receive->held, receive->arena + at,
			            receive->held_bytes);
		receive->is_held = err == -EAGAIN;
		if (receive->is_held) {
			/* It waits at the start of the arena, once what is there was copied. */
			err = grants_run(&card->device.host->grants);
			memmove(receive->arena, receive->arena + at, receive->held_bytes);
			return err ? err : -ENOBUFS;
		}
		if (err)
			return err;
		at += receive->held_bytes;
	}
	return 0;
}

/* Wait for whichever is missing: frames or slots. */
static void wait_for(struct net_card *card, int missing)
{
	struct ev_loop *loop = card->device.host->loop;
	struct ring *ring = &card->receive.ring;
	int before;

	if (missing != -ENOBUFS) {
		ev_io_start(loop, &card->readable);
		return;
	}
	ev_io_stop(loop, &card->readable);
	before = ring_unread(ring);
	if (ring_ask_for_more(ring) != before)
		device_serve_again(&card->device);
}

bool net_receive_serve(struct net_card *card)
{
	struct grants *grants = &card->device.host->grants;
	struct round round = { 0 };
	int available = ring_unread(&card->receive.ring);
	int end, err;

	if (available < 0) {
		device_fail(&card->device, "it claims more buffers than its ring holds");
		return false;
	}
	round.available = (unsigned int)available;
	end = fill(card, &round);
	err = grants_run(grants);
	if (err || (end && end != -EAGAIN && end != -ENOBUFS)) {
		grants->count = 0;
		device_fail(&card->device,
		            err || end == -EFAULT ? "it receives into pages that it has not granted"
		                                  : "its tap cannot be read any more");
		return false;
	}
	ring_consume(&card->receive.ring, round.count);
	if (round.count && ring_respond(&card->receive.ring, round.responses, round.count))
		device_notify(&card->device, 1);
	wait_for(card, end);
	return true;
}
