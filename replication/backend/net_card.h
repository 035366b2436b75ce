/* The parts of a virtual network card: what leaves the guest (net_send.c), what reaches it (net_receive.c). */
/* SPDX-License-Identifier: Apache-2.0
 *
 * Directions are the guest's: it sends frames, we put them on the tap; the tap gives frames, it receives them.
 */

#ifndef REPLICATION_BACKEND_NET_CARD_H
#define REPLICATION_BACKEND_NET_CARD_H

#include "replication/backend/announce.h"
#include "replication/backend/device.h"
#include "replication/backend/held.h"
#include "replication/backend/net_parse.h"
#include "replication/backend/tap.h"

/* Room for all that a full ring can hold, and for one more frame of the largest size to be read. */
#define NET_ARENA_BYTES (RING_SLOTS_MAX * RING_PAGE_SIZE + TAP_FRAME_BYTES_MAX)

/* Frames handled in one go before others get their turn: bounds the time in a handler. */
#define NET_FRAMES_A_ROUND 64u

/* Frames copied from the guest that are on their way to the tap. Their slots are answered when the tap has
 * taken them, so a process that takes our place sends again what may not have left. */
struct net_send {
	struct ring ring;
	unsigned int count, sent;
	struct net_packet packets[NET_FRAMES_A_ROUND];
	uint32_t at[NET_FRAMES_A_ROUND]; /* where in the arena */
	uint8_t *arena;
};

/* One frame that was read from the tap but finds too few slots waits here; the rest waits in the tap. */
struct net_receive {
	struct ring ring;
	bool is_held;
	struct virtio_net_hdr held;
	size_t held_bytes; /* at the start of the arena */
	uint8_t *arena;
};

struct net_announce {
	struct addresses addresses;
	bool has_mac;                  /* else nothing is learned or told */
	char kept[ADDRESSES_TEXT_MAX]; /* as in the xenstore */
	double keep_at;                /* not before, again */
	unsigned int left;             /* how often it is to be told yet */
	ev_timer timer;
};

struct net_card {
	struct device device;
	int tap;
	ev_io readable, writable;
	bool is_tap_full; /* writable is waited for */
	struct held held;
	void *pages[2];             /* mapped rings: of sending, of receiving */
	bool guest_takes_fragments; /* "feature-sg": frames beyond one page */
	struct net_send send;
	struct net_receive receive;
	struct net_announce announce;
};

/* Serve a direction for a round. They fail the device themselves; false then. */
bool net_send_serve(struct net_card *card);
bool net_receive_serve(struct net_card *card);

/* net_announce.c: from connection to disconnection; what the guest sends; output is not held any more. */
void net_announce_begin(struct net_card *card);
void net_announce_end(struct net_card *card);
void net_announce_learn(struct net_card *card, const uint8_t *frame, size_t length);
void net_announce_go(struct net_card *card);

/* Send what is held and may leave. Also of a card that is not connected any more. */
void net_send_held(struct net_card *card);

#endif
