/* A virtual network card: frames between the rings of a guest and its tap. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/backend/net.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <net/if.h>

#include "common/log.h"
#include "replication/backend/net_card.h"

static struct net_card *card_of(struct device *device)
{
	return (struct net_card *)device;
}

/* Our promises to the frontend. Copies only, one queue, no control ring. */
static int publish(struct device *device)
{
	static const struct {
		const char *name;
		unsigned int value;
	} features[] = {
		{ "feature-rx-copy", 1 },
		{ "feature-rx-flip", 0 },
		{ "feature-sg", 1 },
		{ "feature-gso-tcpv4", 1 },
		{ "feature-gso-tcpv6", 1 },
		{ "feature-ipv6-csum-offload", 1 },
		{ "multi-queue-max-queues", 1 },
		{ "feature-split-event-channels", 1 },
	};
	int err = 0;

	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]) && !err; i++)
		err = store_write(device->host->xs, device->back, features[i].name, "%u",
		                  features[i].value);
	return err;
}

/* Our name for the tap, or the operator's if the hotplug script of an earlier process has given it that. */
static void choose_name(struct device *device, char *name)
{
	char *wanted = store_read(device->host->xs, device->back, "vifname");
	char *status = store_read(device->host->xs, device->back, "hotplug-status");

	if (wanted && *wanted && status && if_nametoindex(wanted))
		snprintf(name, IF_NAMESIZE, "%.15s", wanted);
	else
		snprintf(name, IF_NAMESIZE, "vif%u.%u", device->host->domid, device->id);
	free(wanted);
	free(status);
}

static void on_readable(struct ev_loop *loop, ev_io *io, int events)
{
	struct net_card *card = io->data;

	(void)loop;
	(void)events;
	net_receive_serve(card);
}

static void on_writable(struct ev_loop *loop, ev_io *io, int events)
{
	struct net_card *card = io->data;

	(void)loop;
	(void)events;
	net_send_held(card);
	if (card->device.is_connected && !card->is_tap_full)
		net_send_serve(card);
}

/* Frames that an earlier process left leave first, or are held on. */
static int open_held(struct net_card *card)
{
	struct device *device = &card->device;
	unsigned int domid = device->host->domid;

	if (output_is_held(&device->host->output))
		return held_open(&card->held, domid, device->id);
	if (held_find(&card->held, domid, device->id) == 0)
		net_send_held(card);
	return 0;
}

static int hold(struct device *device)
{
	struct net_card *card = card_of(device);

	/* Frames of an earlier holding are still on their way: their epochs are not those that come. */
	if (!held_is_empty(&card->held))
		return -EBUSY;
	return device->is_created ? held_open(&card->held, device->host->domid, device->id) : 0;
}

static void let_go(struct device *device)
{
	struct net_card *card = card_of(device);

	if (device->is_created)
		net_send_held(card);
	if (device->is_connected)
		net_announce_go(card);
}

static int create(struct device *device, bool is_attach, const char **why)
{
	struct net_card *card = card_of(device);
	char name[IF_NAMESIZE];
	int err;

	if (!device->is_created) {
		choose_name(device, name);
		card->tap = tap_open(name);
		if (card->tap < 0) {
			*why = "its tap cannot be opened";
			return card->tap;
		}
		tap_set_carrier(card->tap, false);
		ev_io_init(&card->readable, on_readable, card->tap, EV_READ);
		ev_io_init(&card->writable, on_writable, card->tap, EV_WRITE);
		card->readable.data = card->writable.data = card;
		err = open_held(card);
		if (err) {
			*why = "there is no room for what it sends to be held";
			tap_close(card->tap, false);
			return err;
		}
	}
	err = is_attach ? 0 : publish(device);
	*why = "its features cannot be written";
	if (err && !device->is_created)
		tap_close(card->tap, false);
	return err;
}

static bool is_ready(struct device *device)
{
	char *script = store_read(device->host->xs, device->back, "script");
	char *status = store_read(device->host->xs, device->back, "hotplug-status");
	bool ready = !script || (status && strcmp(status, "connected") == 0);

	free(script);
	free(status);
	return ready;
}

static unsigned int frontend_flag(struct device *device, const char *name)
{
	return store_number(device->host->xs, device->front, name, 1, 0);
}

static int settle_offloads(struct net_card *card)
{
	struct device *device = &card->device;
	struct tap_offloads offloads = {
		.checksum_ipv4 = !frontend_flag(device, "feature-no-csum-offload"),
		.checksum_ipv6 = frontend_flag(device, "feature-ipv6-csum-offload"),
	};

	card->guest_takes_fragments = frontend_flag(device, "feature-sg");
	offloads.segments_ipv4 = card->guest_takes_fragments &&
	                         frontend_flag(device, "feature-gso-tcpv4");
	offloads.segments_ipv6 = card->guest_takes_fragments &&
	                         frontend_flag(device, "feature-gso-tcpv6");
	return tap_set_offloads(card->tap, offloads);
}

static int bind_ports(struct device *device)
{
	int err = device_bind(device, "event-channel-tx");

	if (err == -ENOENT)
		return device_bind(device, "event-channel");
	return err ? err : device_bind(device, "event-channel-rx");
}

static int map_ring(struct device *device, const char *name, void **page)
{
	uint64_t ref;
	uint32_t narrow;

	if (!store_read_number(device->host->xs, device->front, name, &ref) || ref > UINT32_MAX)
		return -ENOENT;
	narrow = (uint32_t)ref;
	*page = device_map(device, &narrow, 1);
	return *page ? 0 : -errno;
}

static int open_rings(struct net_card *card, bool is_attach)
{
	struct ring_journal *journals = card->device.journal;
	int err = ring_open(&card->send.ring, card->pages[0], RING_PAGE_SIZE, NET_TX_SLOT_BYTES, 4,
	                    &journals[0], is_attach);

	if (!err)
		err = ring_open(&card->receive.ring, card->pages[1], RING_PAGE_SIZE,
		                NET_RX_SLOT_BYTES, 8, &journals[1], is_attach);
	return err;
}

static int allocate(struct net_card *card)
{
	card->send.count = card->send.sent = 0;
	card->receive.is_held = false;
	card->send.arena = malloc(NET_ARENA_BYTES);
	card->receive.arena = malloc(NET_ARENA_BYTES);
	if (card->send.arena && card->receive.arena)
		return 0;
	free(card->send.arena);
	free(card->receive.arena);
	return -ENOMEM;
}

static int connect_card(struct device *device, bool is_attach, const char **why)
{
	struct net_card *card = card_of(device);
	int err;

	if (frontend_flag(device, "request-rx-copy") == 0) {
		*why = "its frontend does not take copies";
		return -EOPNOTSUPP;
	}
	*why = "its rings cannot be mapped";
	err = map_ring(device, "tx-ring-ref", &card->pages[0]);
	if (err)
		return err;
	err = map_ring(device, "rx-ring-ref", &card->pages[1]);
	if (err)
		goto unmap_send;
	*why = "its rings hold more than fits";
	err = open_rings(card, is_attach);
	if (err)
		goto unmap_receive;
	*why = "no memory for frames";
	err = allocate(card);
	if (err)
		goto unmap_receive;
	*why = "its event channels cannot be bound";
	err = bind_ports(device);
	if (err)
		goto free_arenas;
	*why = "its tap cannot be set up";
	err = settle_offloads(card);
	if (err)
		goto free_arenas;
	tap_set_carrier(card->tap, true);
	ev_io_start(device->host->loop, &card->readable);
	net_announce_begin(card);
	/* Once, unasked: the notification of what was answered last may have been lost. */
	for (unsigned int i = 0; i < device->port_count; i++)
		device_notify(device, i);
	return 0;

free_arenas:
	free(card->send.arena);
	free(card->receive.arena);
unmap_receive:
	device_unmap(device, card->pages[1], 1);
unmap_send:
	device_unmap(device, card->pages[0], 1);
	return err;
}

static void disconnect_card(struct device *device)
{
	struct net_card *card = card_of(device);

	ev_io_stop(device->host->loop, &card->readable);
	net_announce_end(card);
	/* What is held leaves all the same. */
	net_send_held(card);
	tap_set_carrier(card->tap, false);
	device_unmap(device, card->pages[0], 1);
	device_unmap(device, card->pages[1], 1);
	free(card->send.arena);
	free(card->receive.arena);
}

/* Frames are copied and sent within a handler: nothing is under way outside of one. */
static bool is_idle(const struct device *device)
{
	(void)device;
	return true;
}

static void serve(struct device *device)
{
	struct net_card *card = card_of(device);

	if (net_send_serve(card))
		net_receive_serve(card);
}

static void held(const struct device *device, struct held_sum *sum)
{
	held_add(&((const struct net_card *)device)->held, sum);
}

static void destroy(struct device *device, bool is_final)
{
	struct net_card *card = card_of(device);

	ev_io_stop(device->host->loop, &card->writable);
	held_close(&card->held, device->host->domid, device->id, is_final);
	tap_close(card->tap, is_final);
}

const struct device_kind net_kind = {
	.name = "vif",
	.bytes = sizeof(struct net_card),
	.journals = 2,
	.create = create,
	.is_ready = is_ready,
	.connect = connect_card,
	.disconnect = disconnect_card,
	.is_idle = is_idle,
	.serve = serve,
	.hold = hold,
	.let_go = let_go,
	.held = held,
	.destroy = destroy,
};
