/* Disk writes in a frame: one or more, each a head and its data. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_WIRE_DISK_H
#define REPLICATION_WIRE_DISK_H

#include "replication/wire/frame.h"

/* The largest data that fits a frame. */
#define DISK_WRITE_BYTES_MAX (1u << 20)
/* The most that a WIRE_DISK_ZERO may cover: it costs its sender nothing, but its receiver work. */
#define DISK_ZERO_SECTORS_MAX (1ull << 21)

/* data lies in the frame; NULL for WIRE_DISK_ZERO. */
struct disk_write {
	uint16_t disk;
	enum wire_disk_op op;
	uint64_t sector, sectors;
	const uint8_t *data;
	uint32_t size;
};

/* What the two sides agreed on: bounds for every write. */
struct disk_limits {
	uint32_t disks;
	uint64_t sectors[WIRE_DISKS_MAX];
};

/* Checks a whole frame (DISK_WRITE or DISK_SYNC): 0, or -EPROTO with *why set. Do it once, before the first
 * disk_next(). *count: the writes in it. */
int disk_check(const struct frame *frame, const struct disk_limits *limits, uint32_t *count,
               const char **why);

/* The write at *offset of a body that was checked; moves *offset (0 at first) on. Returns 0 behind the last. */
int disk_next(const uint8_t *body, uint32_t size, uint32_t *offset, struct disk_write *write);

/* Appends a write to a body of *size bytes with room for room. -ENOSPC: send the frame first. */
int disk_put(uint8_t *body, uint32_t *size, uint32_t room, const struct disk_write *write);

/* last: where the last write of the body begins. If both are of zeroes and side by side that one covers this one afterwards; false: not
 * so, nothing has changed. */
bool disk_join(uint8_t *body, uint32_t last, const struct disk_write *write);

#endif
