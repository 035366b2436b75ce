/* The one peer of a worker: connected to again and again, or waited for; never more than one that is listened to. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_MAIN_CONTACT_H
#define REPLICATION_MAIN_CONTACT_H

#include "replication/transport/channel.h"

struct contact_settings {
	const struct transport_ops *ops;
	struct transport_settings transport;
	struct channel_settings channel;
	const char *who; /* for logs; kept, like address */
	const char *address;
	uint16_t port;
	bool is_listening; /* the standby's way */
	double retry;      /* seconds between two attempts to connect */
};

struct contact_events {
	/* The peer has proved its name. One that was there is still there: whoever takes the new one closes the old. */
	void (*connected)(void *user, struct peer *peer);
	void (*frame)(void *user, const struct frame *frame);
	void (*writable)(void *user);
	/* It is gone by itself, or by contact_close(). Not said of one that its user closed. */
	void (*lost)(void *user, const char *why);
};

struct contact;

/* NULL with why (of TRANSPORT_WHY_MAX) set: files that cannot be read, an address that cannot be listened at. */
struct contact *contact_open(struct ev_loop *loop, const struct contact_settings *settings,
                             const struct contact_events *events, void *user, char *why);
void contact_close(struct contact *contact);

/* Hangs up, and has no peer any more; everything else may still be asked. */
void contact_end(struct contact *contact);

uint16_t contact_port(const struct contact *contact); /* that is listened at */
bool contact_is_up(const struct contact *contact);
/* Why it is not: the last reason; "" if there was none. */
const char *contact_why(const struct contact *contact);
uint64_t contact_round_trip(const struct contact *contact); /* ns; 0: not known */

#endif
