/* What the files of a primary share. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_PRIMARY_PARTS_H
#define REPLICATION_PRIMARY_PARTS_H

#include "replication/encode/pool.h"
#include "replication/primary/in_flight.h"
#include "replication/primary/primary.h"

/* How far the filling of an epoch is. */
enum collect_stage { COLLECT_PAGES, COLLECT_STATE, COLLECT_WRITES, COLLECT_SYNC, COLLECT_DONE };

struct primary {
	struct vm *vm;
	struct primary_settings settings;
	struct primary_states states;
	struct pace pace;
	struct in_flight in_flight;
	struct encode_pool
		*pool; /* pages of the epoch that is being filled, on their way into frames */
	uint64_t series;

	struct peer *peer; /* NULL: none */
	struct agreement agreement;
	bool is_agreed;     /* both hellos were said */
	uint32_t sequence;  /* of the next frame to it */
	uint64_t pairing;   /* of the disks, with the peer that was given the base; 0: none */
	uint64_t common;    /* that both hellos have said; 0: none */
	uint32_t marks_due; /* disks of which the peer has not told its marks yet, as bits */
	uint64_t settled;   /* the last epoch that the VM was told is committed */

	enum primary_flush flush;
	uint64_t flush_epoch; /* the last one; 0: not cut yet */

	enum collect_stage stage;
	bool is_fetched;  /* of its pages none is left */
	bool is_encoding; /* nothing can be added before a thread is done */
	enum wire_state_kind state_kind;
	uint32_t state_offset;
	uint64_t round_pages,
		round_before; /* that the last capture brought, and the one before it */
	uint64_t round_sync;  /* bytes of the disks that this round has read */
	bool is_sync_left;    /* it ended before their end */
	struct primary_counts totals;
	uint64_t base_bytes; /* that the first copy has brought so far */
	bool has_write;      /* taken from the VM, waiting for a frame */
	struct disk_write write;
	uint8_t body[WIRE_BODY_MAX];
};

/* Add to the epoch that is being filled. 1: come again; 0: it is whole, there is none, threads have all its pages, or too much
 * waits to be sent; a negative errno: it cannot be had any more. */
int primary_collect(struct primary *primary);
/* Its pages come first. */
void primary_collect_begin(struct primary *primary);
/* Epochs are given up; no thread reads pages of the VM any more. */
void primary_collect_drop(struct primary *primary);

/* Send what the peer takes. 0 or a negative errno: the connection is of no use. */
int primary_push(struct primary *primary);
int primary_say(struct primary *primary, enum wire_type type, uint64_t epoch, const void *body,
                uint32_t size, uint64_t *sum);

#endif
