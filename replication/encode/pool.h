/* Encoding in parallel: batches go in, bodies come out in the same order, whoever of the threads is done first. */
/* SPDX-License-Identifier: Apache-2.0
 *
 *   push --> [ slot | slot | slot | ... ] --> pop
 *               \      |      /
 *                any free thread takes the oldest that nobody has taken
 *
 * The ring is the order; threads only fill it in. Pushing, popping and the descriptor are for one thread, the loop's.
 */

#ifndef REPLICATION_ENCODE_POOL_H
#define REPLICATION_ENCODE_POOL_H

#include <stdbool.h>

#include "replication/encode/encode.h"

#define ENCODE_THREADS_MAX 16u
#define ENCODE_SLOTS_MAX   64u

/* A batch: the pusher's, and not to be touched by it until it is popped. */
struct encode_job {
	struct encode_page pages[WIRE_PAGES_MAX];
	uint32_t count;
	uint8_t *body;               /* ENCODE_BODY_MAX bytes */
	uint32_t size;               /* out: of the body; 0: nothing to send */
	struct encode_counts counts; /* out: of this batch */
	bool is_done;                /* the pool's */
};

struct encode_pool;

/* slots: batches under way at most. NULL: no memory, or no threads. */
struct encode_pool *encode_pool_new(unsigned int threads, unsigned int slots, uint32_t codecs);

/* Waits for the threads; jobs that were not popped are the pusher's again. */
void encode_pool_free(struct encode_pool *pool);

/* -EAGAIN: all slots are taken; capture waits. */
int encode_pool_push(struct encode_pool *pool, struct encode_job *job);

/* The oldest job, if it is done; NULL otherwise. */
struct encode_job *encode_pool_pop(struct encode_pool *pool);

/* Readable when there may be something to pop; popping clears it. */
int encode_pool_descriptor(const struct encode_pool *pool);

#endif
