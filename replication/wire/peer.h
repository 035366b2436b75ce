/* A connection to the other host as those who speak see it: whole frames go in; what comes out is handed to them. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_WIRE_PEER_H
#define REPLICATION_WIRE_PEER_H

#include "replication/wire/wire.h"

struct peer;

struct peer_ops {
	/* Take a frame, header->size bytes of body with it: 0. -EAGAIN: there is no room for it now, nothing was taken. Another
	 * negative errno: the connection is of no use any more. */
	int (*send)(struct peer *peer, const struct wire_header *header, const void *body);
	/* End it, after what was taken has been sent if that can be. The peer is not used again by who called this. */
	void (*close)(struct peer *peer);
};

struct peer {
	const struct peer_ops *ops;
};

#endif
