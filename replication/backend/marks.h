/* Marks of what a disk's guest writes: durable before the write is begun, dropped when the standby has it. docs/resync.md */
/* SPDX-License-Identifier: Apache-2.0
 *
 *   extent:  clean --a write comes--> marked --synced--> safe: writes go on at once
 *              ^                                            |
 *              `---- settled: not written since the turn ---'
 *
 * A *turn* is a boundary of epochs: what was marked before it and is not written after it may be dropped when the standby has that
 * epoch durably, and this image what was written before. One turn at a time.
 *
 * No loop here, and no waiting: the caller syncs the file when it is told to, and says when that was done.
 */

#ifndef REPLICATION_BACKEND_MARKS_H
#define REPLICATION_BACKEND_MARKS_H

#include "replication/marks/marks_file.h"

enum marks_answer {
	MARKS_SAFE, /* the write may begin */
	MARKS_WAIT, /* not before the next sync has ended: ask again */
	MARKS_LOST, /* it must not: nobody would know of it */
};

struct marks {
	int fd; /* -1: none are kept, every write may begin */
	uint64_t pairing;
	struct marks_layout layout;
	uint64_t *marked, *fresh, *safe, *syncing; /* fresh: written since the turn */
	bool *is_stale;                            /* blocks that the file does not have yet */
	bool is_wanted;                            /* something waits for a sync */
	bool is_syncing;                           /* one is under way */
	bool is_voided;                            /* the file is being given up */
	bool is_lost;                              /* and even that failed */
	bool has_turn;
	uint64_t turn; /* its epoch */
};

/* None are kept. */
void marks_init(struct marks *marks);

/* Keep those of that file; it is given up if it is of no use. 0: also where there is none. -ENOMEM. Writes wait for a sync first. */
int marks_open(struct marks *marks, const char *path, const struct marks_disk *disk);
/* A sync that is under way counts no more. */
void marks_close(struct marks *marks);

/* Before a write. */
enum marks_answer marks_cover(struct marks *marks, uint64_t sector, uint64_t sectors);
/* It failed: what is there is not known, whatever the standby has. */
void marks_doubt(struct marks *marks, uint64_t sector, uint64_t sectors);

/* Whether marks->fd is to be synced now: then marks_synced() is to be called when that was done. */
bool marks_begin_sync(struct marks *marks);
void marks_synced(struct marks *marks, int err);

/* An epoch ends here. Nothing, while an earlier turn is not settled. */
void marks_turn(struct marks *marks, uint64_t epoch);
/* The standby has durably what was written before the turn, and so has this image. */
void marks_settle(struct marks *marks);

#endif
