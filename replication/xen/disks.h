/* The images of a domain's disks, for who copies them: found in the xenstore, read and written beside their backend. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_XEN_DISKS_H
#define REPLICATION_XEN_DISKS_H

#include <stdbool.h>
#include <stdint.h>

#include <xenstore.h>

#include "replication/wire/wire.h"

/* In ascending order of the numbers that the xenstore knows them by, so that two hosts count them alike. */
struct disk {
	uint32_t number;
	uint64_t sectors; /* of 512 bytes */
	int fd;
};
struct disks {
	struct disk disks[WIRE_DISKS_MAX];
	uint32_t count;
};

/* Those of a domain whose backends have shown what they serve, opened. 0, or a negative errno: -E2BIG there are more than
 * WIRE_DISKS_MAX. */
int disks_open(struct disks *disks, struct xs_handle *xs, uint32_t domid, bool is_writable);

/* The place of a disk by its number in the xenstore; -1: it is none of them. */
int disks_find(const struct disks *disks, uint32_t number);

/* Whole sectors, within the disk. 0 or a negative errno. */
int disks_read(const struct disk *disk, uint64_t sector, void *data, uint32_t bytes);
int disks_write(const struct disk *disk, uint64_t sector, const void *data, uint32_t bytes);
int disks_zero(const struct disk *disk, uint64_t sector, uint64_t sectors);

void disks_close(struct disks *disks); /* fine if all zero */

#endif
