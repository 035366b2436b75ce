/* The marks of a disk, as its queue keeps them: synced, and settled, by jobs beside the guest's. docs/resync.md */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_BACKEND_DISK_MARKS_H
#define REPLICATION_BACKEND_DISK_MARKS_H

#include "replication/backend/image.h"
#include "replication/backend/marks.h"
#include "replication/hold/door.h"

struct disk;
struct disk_request;

struct disk_marks {
	struct marks marks;
	struct marks_disk of;
	char path[MARKS_PATH_BYTES];
	unsigned int opened;     /* times: a job of an earlier one counts for nothing */
	struct image file;       /* the marks', for jobs */
	struct image_job sync;   /* of the file */
	struct image_job settle; /* a flush of the image */
	bool is_syncing, is_settling;
	unsigned int sync_of, settle_of;
	bool may_settle;          /* the standby has what was written before the turn */
	unsigned int era;         /* of changes that begin: 0, 1; another one after each turn */
	unsigned int changing[2]; /* that are under way */
	uint64_t turned;          /* when, CLOCK_MONOTONIC ms; 0: not yet */
};

/* Once the image is open; is_kept: of.vm and of.device say whose it is. 0 or a negative errno. */
int disk_marks_open(struct disk *disk, bool is_kept, const char *folder);
void disk_marks_close(struct disk *disk);

/* Before a change is begun, and when it has ended. */
enum marks_answer disk_marks_cover(struct disk *disk, const struct disk_request *request);
void disk_marks_begun(struct disk *disk, struct disk_request *request);
void disk_marks_ended(struct disk *disk, const struct disk_request *request, int err);
/* Prepare a sync, if something waits for it. */
void disk_marks_go(struct disk *disk);

/*
 * What the holder says: PAIR p: there is a new file, made for p; 0, -ENOENT: there is none that is. CUT n: an epoch has ended.
 * COMMITTED n: the standby has it durably.
 */
int disk_marks_tell(struct disk *disk, enum door_kind kind, uint64_t number);

#endif
