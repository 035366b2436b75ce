/* A card's addresses: learned while its guest sends, kept where a take-over carries them, and told after it. */
/* SPDX-License-Identifier: Apache-2.0
 *
 * They are kept as the node ADDRESSES_NODE of the frontend's folder in the xenstore, which goes to the standby with all
 * that the guest has there. The backend's folder is this host's: who finds the first and no SERVED_NODE in the second has taken
 * the guest over. A tap that is there proves nothing: it may be left from another life.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "replication/backend/net_card.h"

#define ADDRESSES_NODE "remus-addresses"
#define SERVED_NODE    "remus-served"
#define KEEP_EVERY     2.0 /* seconds: what changed is written as often, at most */
#define TIMES          5u
#define TELL_EVERY     0.2
#define FIRST_AFTER    0.05 /* the guest is about to be started */

static double now_of(const struct net_card *card)
{
	return ev_now(card->device.host->loop);
}

/* Not into a folder that the toolstack has removed, which would be there again. */
static void keep(struct net_card *card, const char *text)
{
	struct xs_handle *xs = card->device.host->xs;
	char *state = store_read(xs, card->device.front, "state");

	if (state && store_write(xs, card->device.front, ADDRESSES_NODE, "%s", text))
		log_warning("%s: its addresses cannot be kept", card->device.machine.who);
	free(state);
	snprintf(card->announce.kept, sizeof(card->announce.kept), "%s", text);
}

void net_announce_learn(struct net_card *card, const uint8_t *frame, size_t length)
{
	struct net_announce *announce = &card->announce;
	char text[ADDRESSES_TEXT_MAX];
	double now;

	if (!announce->has_mac)
		return;
	now = now_of(card);
	addresses_learn(&announce->addresses, frame, length, now);
	if (now < announce->keep_at)
		return;
	announce->keep_at = now + KEEP_EVERY;
	addresses_print(&announce->addresses, now, text);
	if (strcmp(text, announce->kept) != 0)
		keep(card, text);
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
	const struct virtio_net_hdr header = { .flags = 0 };
	struct net_card *card = timer->data;
	struct net_announce *announce = &card->announce;
	uint8_t frame[ANNOUNCE_BYTES_MAX];
	size_t length;

	(void)events;
	/* What tells the world that the guest is here is its output as well (I5). */
	if (output_is_held(&card->device.host->output)) {
		ev_timer_stop(loop, timer);
		return;
	}
	for (unsigned int n = 0; (length = announce_frame(&announce->addresses, n, frame)); n++)
		tap_write(card->tap, &header, frame, length);
	if (--announce->left == 0)
		ev_timer_stop(loop, timer);
}

/* Whether no process of this host has served the card before. */
static bool is_first(struct device *device)
{
	char *served = store_read(device->host->xs, device->back, SERVED_NODE);
	bool is_so = !served;

	if (is_so && store_write(device->host->xs, device->back, SERVED_NODE, "1"))
		log_warning("%s: that it is served cannot be kept", device->machine.who);
	free(served);
	return is_so;
}

void net_announce_begin(struct net_card *card)
{
	struct device *device = &card->device;
	struct net_announce *announce = &card->announce;
	char *mac = store_read(device->host->xs, device->back, "mac");
	char *kept = store_read(device->host->xs, device->front, ADDRESSES_NODE);

	ev_timer_init(&announce->timer, on_timer, FIRST_AFTER, TELL_EVERY);
	announce->timer.data = card;
	announce->keep_at = 0.;
	announce->has_mac = mac && addresses_parse_mac(mac, announce->addresses.mac);
	snprintf(announce->kept, sizeof(announce->kept), "%s", kept ? kept : "");
	addresses_parse(&announce->addresses, announce->kept, now_of(card));
	announce->left = is_first(device) && kept && announce->has_mac ? TIMES : 0;
	if (announce->left)
		log_info("%s: taken over: it is announced (%s)", device->machine.who,
		         announce->kept);
	if (!kept)
		keep(card, "");
	net_announce_go(card);
	free(mac);
	free(kept);
}

void net_announce_go(struct net_card *card)
{
	if (card->announce.left && !output_is_held(&card->device.host->output))
		ev_timer_start(card->device.host->loop, &card->announce.timer);
}

void net_announce_end(struct net_card *card)
{
	if (card->announce.timer.data)
		ev_timer_stop(card->device.host->loop, &card->announce.timer);
	card->announce.left = 0;
}
