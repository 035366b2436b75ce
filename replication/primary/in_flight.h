/* Epochs that were cut and are not acknowledged: their frames, kept so that they can be sent once more. */
/* SPDX-License-Identifier: Apache-2.0
 *
 *   cut --> filled (frames are added) --> whole --> acknowledged: gone
 *            `--- sent meanwhile, frame by frame, from the oldest epoch on ---'
 */

#ifndef REPLICATION_PRIMARY_IN_FLIGHT_H
#define REPLICATION_PRIMARY_IN_FLIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include "replication/wire/wire.h"

struct kept_frame {
	struct kept_frame *next;
	enum wire_type type;
	uint32_t size;
	uint8_t body[];
};

struct kept_epoch {
	struct kept_epoch *next;
	uint64_t epoch, base; /* base: that it is built on */
	uint32_t flags;       /* of its BEGIN */
	bool is_whole;        /* nothing more is added */
	bool is_partial;      /* frames that were sent were not kept */
	struct kept_frame *first, **last;
	uint64_t bytes, pages, disk_writes, cut_time;
	/* What was sent of it on this connection: */
	bool has_begun, has_ended;
	struct kept_frame *next_frame; /* to be sent; NULL: none */
	uint64_t digest, frames;
};

struct in_flight {
	struct kept_epoch *first, **last;
	uint64_t bytes;
};

void in_flight_init(struct in_flight *in_flight);
void in_flight_clear(struct in_flight *in_flight);

/* NULL: no memory. */
struct kept_epoch *in_flight_add(struct in_flight *in_flight, uint64_t epoch, uint64_t base,
                                 uint32_t flags);
/* The last one if it is not whole. */
struct kept_epoch *in_flight_filling(const struct in_flight *in_flight);
/* The oldest that was not sent to its end. */
struct kept_epoch *in_flight_sending(const struct in_flight *in_flight);

/* 0 or -ENOMEM. */
int in_flight_put(struct in_flight *in_flight, struct kept_epoch *epoch, enum wire_type type,
                  const void *body, uint32_t size);

/* The frame that is next was sent. is_kept: for another time. */
void in_flight_sent(struct in_flight *in_flight, struct kept_epoch *epoch, bool is_kept);

/* Epochs up to that one are not needed any more. */
void in_flight_drop(struct in_flight *in_flight, uint64_t epoch);

/* Everything is to be sent from its beginning: whether it can be. */
bool in_flight_rewind(struct in_flight *in_flight);

#endif
