/* Encoding by several threads: batches go in, bodies come out in the same order, whoever of the threads is done first. */
/* SPDX-License-Identifier: Apache-2.0
 *
 *   vacant, push --> [ job | job | job | ... ] --> pop
 *                       \     |     /
 *                   any free thread takes the oldest that nobody has taken
 *
 * The ring is the order; threads only fill it in. All functions are for one thread, the loop's. Without threads, push encodes.
 * Memory: about a mebibyte a job, and the pages that its pusher has.
 */

#ifndef REPLICATION_ENCODE_POOL_H
#define REPLICATION_ENCODE_POOL_H

#include <stdbool.h>

#include "replication/encode/encode.h"

#define ENCODE_THREADS_MAX 16u
/* Jobs under way at most: one a thread, and while they are busy one waits to be taken and one to be popped. */
#define ENCODE_JOBS(threads) ((threads) ? (threads) + 2u : 1u)

struct encode_pool_settings {
	unsigned int threads; /* at most ENCODE_THREADS_MAX; 0: none */
	uint32_t
		alone; /* so many pages, with nothing else under way, are not worth waking a thread */
	uint32_t codecs; /* WIRE_CODEC_* that the peer reads */
	/* Called by threads: there is something to pop. NULL: there are none, or nobody sleeps. */
	void (*done)(void *data);
	void *data;
};

struct encode_job {
	struct encode_page pages
		[WIRE_PAGES_MAX]; /* in: what they point to stays until it is popped or cancelled */
	uint32_t count;
	uint8_t *body;               /* out */
	uint32_t size;               /* out: of the body; 0: nothing to send */
	struct encode_counts counts; /* out: of this batch */
	bool is_done;                /* the pool's */
};

struct encode_pool;

/* NULL: no memory, or no threads. */
struct encode_pool *encode_pool_new(const struct encode_pool_settings *settings);
/* Drops what is under way, as cancel does. */
void encode_pool_free(struct encode_pool *pool);

/* A job to be filled with pages and pushed; NULL: all are under way. */
struct encode_job *encode_pool_vacant(struct encode_pool *pool);
/* The one that was vacant. */
void encode_pool_push(struct encode_pool *pool);

/* The oldest job, if it is done; the caller's until it asks for a vacant one. NULL: it is not, or nothing is under way. */
struct encode_job *encode_pool_pop(struct encode_pool *pool);
bool encode_pool_is_empty(const struct encode_pool *pool);

/* Drops what is under way. Waits for threads that are at it, the time of a batch at most: their pages are the pusher's again. */
void encode_pool_cancel(struct encode_pool *pool);

#endif
