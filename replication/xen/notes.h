/* What a backend worker noted of its guest's disk writes, read as what goes over the wire. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_XEN_NOTES_H
#define REPLICATION_XEN_NOTES_H

#include "replication/hold/record_log.h"
#include "replication/wire/disk.h"
#include "replication/xen/disks.h"

struct notes {
	void *memory; /* NULL: there are none */
	struct record_log log;
	uint64_t position; /* of the next to be told */
	uint64_t told;     /* sectors of it that were told already */
};

/* The file whose descriptor came with TAKEN; position: log_tail for what is written from now on, log_head for all
 * that is kept. 0 or a negative errno. */
int notes_open(struct notes *notes, int fd, uint64_t position);
void notes_close(struct notes *notes); /* fine if all zero */

/*
 * The next write of that epoch or of one before it: 1; 0: there is none. write->data lies in the notes, which the
 * worker keeps until the epoch is released. A discard is told as zeroes, and a large one piece by piece.
 * -ENODEV: of a disk that is not among disks. -EPROTO: notes that cannot be.
 */
int notes_next(struct notes *notes, const struct disks *disks, uint64_t epoch,
               struct disk_write *write);

#endif
