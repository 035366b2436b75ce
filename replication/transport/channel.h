/* Frames over a connection: whole ones go in, checked ones come out; a peer that is silent for too long is gone. */
/* SPDX-License-Identifier: Apache-2.0
 *
 * Who speaks over it counts the frames (header.sequence) and holds a struct peer; KEEPALIVE is the channel's own affair.
 */

#ifndef REPLICATION_TRANSPORT_CHANNEL_H
#define REPLICATION_TRANSPORT_CHANNEL_H

#include "replication/transport/transport.h"
#include "replication/wire/frame.h"
#include "replication/wire/peer.h"

struct channel;

struct channel_events {
	/* The peer has proved its name. */
	void (*opened)(void *user, struct peer *peer, const char *name);
	/* It lies in the channel and is valid within this call, which may close the peer. */
	void (*frame)(void *user, const struct frame *frame);
	/* After the peer's send() said -EAGAIN: there is room again. */
	void (*writable)(void *user);
	/* The channel is gone, whoever ended it; exactly once. error: 0 the peer closed it between two frames, -ECANCELED
	 * it was closed here (this call comes within that one), or another negative errno. */
	void (*closed)(void *user, int error, const char *why);
};

struct channel_settings {
	double keepalive; /* seconds: when nothing was sent for so long, a KEEPALIVE is */
	double silence;   /* seconds: when nothing was received for so long, the peer is gone */
};

/* The primary's way. NULL with why (of TRANSPORT_WHY_MAX) set if it cannot even be tried; closed() is not called then. */
struct channel *channel_connect(const struct transport_ops *ops, struct transport *transport,
                                struct ev_loop *loop, const char *address, uint16_t port,
                                const struct channel_settings *settings,
                                const struct channel_events *events, void *user, char *why);

/* The standby's way, within accepted() of a listener: what to return from it, and as *user the channel. NULL: no memory. */
const struct connection_events *channel_accept(const struct transport_ops *ops,
                                               struct connection *connection, struct ev_loop *loop,
                                               const struct channel_settings *settings,
                                               const struct channel_events *events, void *user,
                                               struct channel **channel);

/* At once. */
void channel_close(struct channel *channel);

/* Take no more frames until told so; the peer is held back. */
void channel_pause(struct channel *channel, bool is_paused);

size_t channel_queued(const struct channel *channel);

/* Nanoseconds of the last round trip that was measured; 0: none was. */
uint64_t channel_round_trip(const struct channel *channel);

#endif
