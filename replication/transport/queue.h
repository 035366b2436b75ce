/* What waits to be sent: pieces in order, copied or lent, bounded by their bytes. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_TRANSPORT_QUEUE_H
#define REPLICATION_TRANSPORT_QUEUE_H

#include "replication/transport/transport.h"

struct queued;

struct send_queue {
	struct queued *first, *last;
	size_t bytes; /* not yet taken off */
	size_t bytes_max;
};

/* All or nothing: -EAGAIN if bytes_max is reached already (so it is exceeded by one call at most), -ENOMEM. */
int queue_put(struct send_queue *queue, const struct send_piece *pieces, unsigned int count);

/* The next bytes that lie in one piece; their number, 0 if there are none. */
size_t queue_look(const struct send_queue *queue, const uint8_t **bytes);

/* They have gone: size is at most what queue_look() said. */
void queue_take(struct send_queue *queue, size_t size);

void queue_clear(struct send_queue *queue);

#endif
