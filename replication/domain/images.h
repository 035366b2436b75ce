/* The images behind a VM's disks: read for a first copy, written on the standby. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_DOMAIN_IMAGES_H
#define REPLICATION_DOMAIN_IMAGES_H

#include <stdbool.h>

#include "replication/marks/marks_file.h"
#include "replication/wire/disk.h"

/* Of a first copy: what is read at once. */
#define IMAGES_BLOCK_BYTES (256u << 10)

struct images {
	const char
		*marks; /* the caller's: folder of marks, and the VM's UUID; NULL: none are kept */
	uint8_t vm[16];
	uint32_t count;
	struct {
		const char *path; /* the caller's */
		uint32_t device;  /* its number in the xenstore */
		int fd;
		uint64_t sectors;
		uint64_t inode;             /* as marks_file.h has it */
		struct marks_layout layout; /* of its marks */
		uint64_t *todo;             /* extents that a copy takes; NULL: the whole disk */
	} disk[WIRE_DISKS_MAX];
	/* Where the first copy stands. */
	uint32_t next;
	uint64_t sector;
	uint8_t *block; /* IMAGES_BLOCK_BYTES, aligned */
};

/* Before images_open(): what there is. -ENOSPC: too many. */
int images_add(struct images *disks, const char *path, uint32_t device);

/* 0 or a negative errno; *failed is then the path. Reading goes past the page cache: another process writes them. */
int images_open(struct images *disks, bool is_written, const char **failed);
void images_close(struct images *disks);

/* What the hellos say of them. */
void images_tell(const struct images *disks, struct wire_hello *hello);

/* That a copy takes. */
uint64_t images_bytes(const struct images *disks);

/* The index of a device; -ENXIO. */
int images_find(const struct images *disks, uint32_t device);

/* The first copy begins anew; its next block: 1, 0: all was given, or a negative errno. */
void images_rewind(struct images *disks);
int images_block(struct images *disks, struct disk_write *block);
/* One that is all zero is said in a word. */
void images_shorten(struct disk_write *block);

int images_write(struct images *disks, const struct disk_write *write);
int images_flush(struct images *disks);

#endif
