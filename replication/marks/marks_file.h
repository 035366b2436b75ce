/* What a disk's image may hold that its copy does not: a file of marks on each host. docs/resync.md */
/* SPDX-License-Identifier: Apache-2.0
 *
 *   0 .. 4095      struct marks_header, padded with zeroes
 *   4096 + n*512   block n: a sum, then bits, lowest first, one an extent of the disk
 *
 * A block whose sum does not hold counts as all marked. Numbers are little-endian. Of a file nothing is believed before it was
 * checked.
 */

#ifndef REPLICATION_MARKS_MARKS_FILE_H
#define REPLICATION_MARKS_MARKS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MARKS_FOLDER      "/var/lib/remus/disks"
#define MARKS_PATH_BYTES  160u
#define MARKS_SECTOR      512u
#define MARKS_EXTENTS_MAX (1u << 20)
#define MARKS_SHIFT_MIN   16u /* 64 KiB */

#define MARKS_HEADER_BYTES 4096u
#define MARKS_BLOCK_WORDS  63u /* of 64 bits */

struct marks_block {
	uint64_t sum;
	uint64_t words[MARKS_BLOCK_WORDS];
};

_Static_assert(sizeof(struct marks_block) == 512, "the layout of the file");

/* Of which disk of which VM, and which image on this host. The file's name says the first two as well. */
struct marks_disk {
	uint8_t vm[16];
	uint32_t device; /* its number in the xenstore */
	uint64_t sectors;
	uint64_t
		inode; /* of a regular file: one that was put in its place is another; 0 for a block device */
};

/* Bits of a disk: shift is the least, from MARKS_SHIFT_MIN on, by which it has no more than MARKS_EXTENTS_MAX extents. */
struct marks_layout {
	unsigned int shift; /* an extent is 1 << shift bytes */
	uint32_t extents, blocks;
	uint32_t
		words; /* of a bitmap in memory: blocks * MARKS_BLOCK_WORDS; bits behind the last extent are 0 */
};

/* -EINVAL: no disk has so many sectors, or none. */
int marks_layout(uint64_t sectors, struct marks_layout *layout);

/* The extents that sectors lie in; sectors > 0, within the disk. */
void marks_extents(const struct marks_layout *layout, uint64_t sector, uint64_t sectors,
                   uint32_t *first, uint32_t *count);

bool marks_has(const uint64_t *words, uint32_t extent);
void marks_put(uint64_t *words, uint32_t extent);
/* Every extent of the disk. */
void marks_fill(const struct marks_layout *layout, uint64_t *words);
/* Bits behind the last extent become 0. */
void marks_trim(const struct marks_layout *layout, uint64_t *words);
uint32_t marks_count(const struct marks_layout *layout, const uint64_t *words);

/* Hexadecimal, with or without dashes. */
bool marks_parse_uuid(const char *text, uint8_t uuid[16]);

void marks_path(char path[MARKS_PATH_BYTES], const char *folder, const struct marks_disk *disk);

/*
 * The file's marks are added to words. 0; -ENOENT: there is none; -EBADMSG: it is of no use, and *why says why; or what reading it
 * met. *pairing is then what it was made for. *damaged: blocks that count as all marked.
 */
int marks_read(const char *path, const struct marks_disk *disk, uint64_t *pairing, uint64_t *words,
               uint32_t *damaged, const char **why);
/* The same of a file that was opened. */
int marks_read_fd(int fd, const struct marks_disk *disk, uint64_t *pairing, uint64_t *words,
                  uint32_t *damaged, const char **why);

/* A new one, whole or not at all, in place of what was there; durable when it returns 0. Blocks for the disk. */
int marks_make(const char *path, const struct marks_disk *disk, uint64_t pairing,
               const uint64_t *words);
/* None any more, durably. 0 also where there was none. */
int marks_remove(const char *path);

/* Block n of the file as of words: sealed, and written in place. Not durable before the file was synced. 0 or a negative errno. */
int marks_store(int fd, uint64_t pairing, const uint64_t *words, uint32_t block);
/* Nothing of the file counts any more, once it was synced. */
int marks_void(int fd);

#endif
