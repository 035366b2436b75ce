/* What a guest sends: from its ring, by grant copy, to the tap. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <assert.h>
#include <errno.h>
#include <string.h>

#include <stdint.h>

#include <xen/xen.h>
#include <xen/io/netif.h>

#include "replication/backend/net_card.h"
#include "replication/backend/net_offload.h"

/* All unread slots, each fetched once. */
static unsigned int fetch(struct net_send *send, struct net_slot *slots, unsigned int unread)
{
	for (unsigned int i = 0; i < unread; i++)
		ring_peek(&send->ring, i, &slots[i]);
	return unread;
}

static int copy_packet(struct net_card *card, const struct net_packet *packet, uint32_t at)
{
	for (unsigned int i = 0; i < packet->fragment_count; i++) {
		const struct net_fragment *fragment = &packet->fragments[i];
		int err;

		if (fragment->size == 0)
			continue;
		err = grants_read(&card->device.host->grants, fragment->ref, fragment->offset,
		                  card->send.arena + at, fragment->size);
		if (err)
			return err;
		at += fragment->size;
	}
	return 0;
}

/* Take packets from the ring and copy their frames. 0 or a negative errno with *why. */
static int take(struct net_card *card, unsigned int unread, const char **why)
{
	struct net_send *send = &card->send;
	struct net_slot slots[RING_SLOTS_MAX];
	unsigned int used = 0;
	uint32_t at = 0;
	int err = 0;

	unread = fetch(send, slots, unread);
	send->count = send->sent = 0;
	while (!err && used < unread && send->count < NET_FRAMES_A_ROUND) {
		struct net_packet *packet = &send->packets[send->count];

		err = net_parse(slots + used, unread - used, packet, why);
		if (err)
			break;
		*why = "it sends from pages that it has not granted";
		err = copy_packet(card, packet, at);
		used += packet->slots;
		send->at[send->count++] = at;
		at += packet->size;
	}
	if (!err)
		err = grants_run(&card->device.host->grants);
	else
		card->device.host->grants.count = 0;
	ring_consume(&send->ring, used);
	return err;
}

static void wait_for_tap(struct net_card *card, bool is_full)
{
	struct ev_loop *loop = card->device.host->loop;

	card->is_tap_full = is_full;
	if (is_full)
		ev_io_start(loop, &card->writable);
	else
		ev_io_stop(loop, &card->writable);
}

static int keep(struct net_card *card, const struct virtio_net_hdr *header, const uint8_t *frame,
                size_t length)
{
	struct output *output = &card->device.host->output;
	uint64_t epoch = output_is_held(output) ? output_epoch(output) : 0;
	int err;

	assert(card->held.memory);
	err = held_put(&card->held, epoch, header, frame, length);
	output_want(output);
	return err;
}

/* It need not wait for others, nor for its epoch: but without a lease nothing leaves (I5). */
static bool may_overtake(const struct output *output, const uint8_t *frame, size_t length)
{
	return output_is_exempt(output, frame, length) && !held_is_over(output_lease(output));
}

/* Hand a frame to the network, or have it wait there for its epoch: the one place where output leaves. -EAGAIN if the
 * tap has no room, -ENOBUFS if what is held has none. */
static int put_out(struct net_card *card, const struct virtio_net_hdr *header, const uint8_t *frame,
                   size_t length)
{
	const struct output *output = &card->device.host->output;
	/* What was held leaves first, also when nothing is held any more. */
	bool has_to_wait = output_is_held(output) || !held_is_empty(&card->held);
	ssize_t sent;

	if (has_to_wait && !may_overtake(output, frame, length))
		return keep(card, header, frame, length);
	sent = tap_write(card->tap, header, frame, length);
	if (sent == -EAGAIN && has_to_wait)
		return keep(card, header, frame, length);
	if (sent == -EAGAIN)
		wait_for_tap(card, true);
	return sent < 0 ? (int)sent : 0;
}

void net_send_held(struct net_card *card)
{
	const struct host *host = card->device.host;

	wait_for_tap(card, held_release(&card->held, output_released(&host->output),
	                                output_lease(&host->output), card->tap) == -EAGAIN);
	if (!output_is_held(&host->output) && held_is_empty(&card->held))
		held_close(&card->held, host->domid, card->device.id, true);
}

static unsigned int respond_packet(const struct net_packet *packet, int16_t status,
                                   struct netif_tx_response *responses)
{
	for (unsigned int i = 0; i < packet->slots; i++) {
		responses[i].id = packet->ids[i];
		responses[i].status = packet->is_extra[i] ? NETIF_RSP_NULL : status;
	}
	return packet->slots;
}

/* -EAGAIN or -ENOBUFS if it has to wait; otherwise the frame went, or was dropped as *status says. */
static int send_one(struct net_card *card, unsigned int number, int16_t *status)
{
	struct net_send *send = &card->send;
	const struct net_packet *packet = &send->packets[number];
	uint8_t *frame = send->arena + send->at[number];
	struct virtio_net_hdr header;
	int err;

	*status = NETIF_RSP_ERROR;
	if (packet->size < NET_ETHERNET_BYTES ||
	    net_offload_from_guest(packet, frame, packet->size, &header))
		return 0;
	err = put_out(card, &header, frame, packet->size);
	net_announce_learn(card, frame, packet->size);
	if (err == -EAGAIN || err == -ENOBUFS)
		return err;
	*status = err ? NETIF_RSP_DROPPED : NETIF_RSP_OKAY;
	return 0;
}

/* Send what was taken and answer it. Whether all went. */
static bool flush(struct net_card *card)
{
	struct net_send *send = &card->send;
	struct netif_tx_response responses[RING_SLOTS_MAX];
	unsigned int count = 0;
	int16_t status;

	while (send->sent < send->count) {
		if (send_one(card, send->sent, &status))
			break;
		count += respond_packet(&send->packets[send->sent++], status, responses + count);
	}
	if (count && ring_respond(&send->ring, responses, count))
		device_notify(&card->device, 0);
	return send->sent == send->count;
}

bool net_send_serve(struct net_card *card)
{
	const char *why = "";
	int unread;

	if (!flush(card))
		return true;
	unread = ring_unread(&card->send.ring);
	if (unread == 0)
		unread = ring_ask(&card->send.ring);
	if (unread == 0)
		return true;
	if (unread < 0) {
		device_fail(&card->device, "it claims more packets than its ring holds");
		return false;
	}
	if (take(card, (unsigned int)unread, &why)) {
		device_fail(&card->device, why);
		return false;
	}
	if (flush(card))
		device_serve_again(&card->device);
	return true;
}
