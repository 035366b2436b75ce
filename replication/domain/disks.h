/* The images behind a VM's disks: read for a first copy, written on the standby. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_DOMAIN_DISKS_H
#define REPLICATION_DOMAIN_DISKS_H

#include <stdbool.h>

#include "replication/wire/disk.h"

/* Of a first copy: what is read at once. */
#define DISKS_BLOCK_BYTES (256u << 10)

struct disks {
	uint32_t count;
	struct {
		const char *path; /* the caller's */
		uint32_t device;  /* its number in the xenstore */
		int fd;
		uint64_t sectors;
	} disk[WIRE_DISKS_MAX];
	/* Where the first copy stands. */
	uint32_t next;
	uint64_t sector;
	uint8_t *block; /* DISKS_BLOCK_BYTES, aligned */
};

/* Before disks_open(): what there is. -ENOSPC: too many. */
int disks_add(struct disks *disks, const char *path, uint32_t device);

/* 0 or a negative errno; *failed is then the path. Reading goes past the page cache: another process writes them. */
int disks_open(struct disks *disks, bool is_written, const char **failed);
void disks_close(struct disks *disks);

/* What the hellos say of them. */
void disks_tell(const struct disks *disks, struct wire_hello *hello);

/* The index of a device; -ENXIO. */
int disks_find(const struct disks *disks, uint32_t device);

/* The first copy begins anew; its next block: 1, 0: all was given, or a negative errno. */
void disks_rewind(struct disks *disks);
int disks_block(struct disks *disks, struct disk_write *block);

int disks_write(struct disks *disks, const struct disk_write *write);
int disks_flush(struct disks *disks);

#endif
