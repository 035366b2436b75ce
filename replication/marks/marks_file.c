/* What a disk's image may hold that its copy does not: a file of marks on each host. docs/resync.md */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/marks/marks_file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xxhash.h>

#define MAGIC   UINT64_C(0x736b72616d6d6572) /* "remmarks" */
#define VERSION 1u
#define BITS    64u

struct marks_header {
	uint64_t magic;
	uint32_t version;
	uint32_t shift;
	uint64_t pairing;
	uint64_t sectors, inode;
	uint8_t vm[16];
	uint32_t device;
	uint32_t reserved;
	uint64_t sum; /* of what stands before it */
};

_Static_assert(sizeof(struct marks_header) == 72, "the layout of the file");

int marks_layout(uint64_t sectors, struct marks_layout *layout)
{
	unsigned int shift = MARKS_SHIFT_MIN;
	uint64_t bytes = sectors * MARKS_SECTOR;

	if (sectors == 0 || sectors > (uint64_t)INT64_MAX / MARKS_SECTOR)
		return -EINVAL;
	while ((bytes - 1) >> shift >= MARKS_EXTENTS_MAX)
		shift++;
	layout->shift = shift;
	layout->extents = (uint32_t)((bytes - 1) >> shift) + 1;
	layout->blocks = (layout->extents - 1) / (MARKS_BLOCK_WORDS * BITS) + 1;
	layout->words = layout->blocks * MARKS_BLOCK_WORDS;
	return 0;
}

void marks_extents(const struct marks_layout *layout, uint64_t sector, uint64_t sectors,
                   uint32_t *first, uint32_t *count)
{
	uint64_t last = ((sector + sectors) * MARKS_SECTOR - 1) >> layout->shift;

	*first = (uint32_t)(sector * MARKS_SECTOR >> layout->shift);
	*count = (uint32_t)last - *first + 1;
}

bool marks_has(const uint64_t *words, uint32_t extent)
{
	return words[extent / BITS] >> extent % BITS & 1;
}

void marks_put(uint64_t *words, uint32_t extent)
{
	words[extent / BITS] |= UINT64_C(1) << extent % BITS;
}

void marks_fill(const struct marks_layout *layout, uint64_t *words)
{
	for (uint32_t i = 0; i < layout->extents; i++)
		marks_put(words, i);
}

void marks_trim(const struct marks_layout *layout, uint64_t *words)
{
	uint32_t last = layout->extents / BITS;

	for (uint32_t i = last; i < layout->words; i++)
		words[i] &= i == last ? (UINT64_C(1) << layout->extents % BITS) - 1 : 0;
}

uint32_t marks_count(const struct marks_layout *layout, const uint64_t *words)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < layout->words; i++)
		count += (uint32_t)__builtin_popcountll(words[i]);
	return count;
}

bool marks_parse_uuid(const char *text, uint8_t uuid[16])
{
	for (unsigned int i = 0; i < 32; i++, text++) {
		if (*text == '-')
			text++;
		if (!isxdigit((unsigned char)*text))
			return false;
		uuid[i / 2] = (uint8_t)(uuid[i / 2] << 4 | (isdigit((unsigned char)*text)
		                                                    ? *text - '0'
		                                                    : (*text | 0x20) - 'a' + 10));
	}
	return *text == 0;
}

void marks_path(char path[MARKS_PATH_BYTES], const char *folder, const struct marks_disk *disk)
{
	char vm[33];

	for (unsigned int i = 0; i < 16; i++)
		snprintf(vm + 2 * i, 3, "%02x", disk->vm[i]);
	snprintf(path, MARKS_PATH_BYTES, "%s/%s-%u", folder, vm, disk->device);
}

/* --- read --- */

/* A block in another's place, or of another pairing, has no sum that holds. */
static uint64_t sum_of(const struct marks_block *block, uint64_t pairing, uint32_t number)
{
	return XXH3_64bits_withSeed(block->words, sizeof(block->words), pairing ^ number);
}

static int read_whole(int fd, void *to, size_t size, uint64_t offset)
{
	ssize_t got = pread(fd, to, size, (off_t)offset);

	if (got < 0)
		return -errno;
	return (size_t)got == size ? 0 : -EBADMSG;
}

static const char *find_fault(const struct marks_header *header, const struct marks_disk *disk,
                              const struct marks_layout *layout)
{
	if (header->magic != MAGIC)
		return "it is no file of marks, or was given up";
	if (header->version != VERSION)
		return "it is of another version";
	if (header->sum != XXH3_64bits(header, offsetof(struct marks_header, sum)))
		return "it is damaged";
	if (memcmp(header->vm, disk->vm, sizeof(disk->vm)) != 0 || header->device != disk->device)
		return "it is of another disk";
	if (header->sectors != disk->sectors)
		return "the disk has another size now";
	if (header->inode != disk->inode)
		return "the image is another file now";
	if (header->shift != layout->shift || header->pairing == 0 || header->reserved)
		return "it says what cannot be";
	return NULL;
}

static int read_blocks(int fd, const struct marks_layout *layout, uint64_t pairing, uint64_t *words,
                       uint32_t *damaged)
{
	struct marks_block block;
	int err = 0;

	for (uint32_t n = 0; n < layout->blocks && !err; n++) {
		uint64_t *to = words + (size_t)n * MARKS_BLOCK_WORDS;
		bool is_whole;

		err = read_whole(fd, &block, sizeof(block),
		                 MARKS_HEADER_BYTES + (uint64_t)n * sizeof(block));
		is_whole = !err && block.sum == sum_of(&block, pairing, n);
		*damaged += !err && !is_whole;
		for (uint32_t i = 0; i < MARKS_BLOCK_WORDS && !err; i++)
			to[i] |= is_whole ? block.words[i] : UINT64_MAX;
	}
	return err;
}

int marks_read_fd(int fd, const struct marks_disk *disk, uint64_t *pairing, uint64_t *words,
                  uint32_t *damaged, const char **why)
{
	struct marks_header header;
	struct marks_layout layout;
	int err = marks_layout(disk->sectors, &layout);

	*damaged = 0;
	*why = "it cannot be read, or is cut off";
	if (!err)
		err = read_whole(fd, &header, sizeof(header), 0);
	if (err)
		return err;
	*why = find_fault(&header, disk, &layout);
	if (*why)
		return -EBADMSG;
	*why = "it cannot be read, or is cut off";
	err = read_blocks(fd, &layout, header.pairing, words, damaged);
	marks_trim(&layout, words);
	if (!err)
		*pairing = header.pairing;
	return err;
}

int marks_read(const char *path, const struct marks_disk *disk, uint64_t *pairing, uint64_t *words,
               uint32_t *damaged, const char **why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int err = fd < 0 ? -errno : 0;

	*why = err ? strerror(-err) : NULL;
	if (err)
		return err;
	err = marks_read_fd(fd, disk, pairing, words, damaged, why);
	close(fd);
	return err;
}

/* --- write --- */

static int write_whole(int fd, const void *bytes, size_t size, uint64_t offset)
{
	ssize_t put = pwrite(fd, bytes, size, (off_t)offset);

	if (put < 0)
		return -errno;
	return (size_t)put == size ? 0 : -ENOSPC;
}

int marks_store(int fd, uint64_t pairing, const uint64_t *words, uint32_t number)
{
	struct marks_block block;

	memcpy(block.words, words + (size_t)number * MARKS_BLOCK_WORDS, sizeof(block.words));
	block.sum = sum_of(&block, pairing, number);
	return write_whole(fd, &block, sizeof(block),
	                   MARKS_HEADER_BYTES + (uint64_t)number * sizeof(block));
}

static int store_header(int fd, const struct marks_header *header)
{
	uint8_t bytes[MARKS_HEADER_BYTES] = { 0 };

	memcpy(bytes, header, sizeof(*header));
	return write_whole(fd, bytes, sizeof(bytes), 0);
}

int marks_void(int fd)
{
	const struct marks_header none = { 0 };

	return store_header(fd, &none);
}

static int fill(int fd, const struct marks_disk *disk, uint64_t pairing, const uint64_t *words)
{
	struct marks_header header = { .magic = MAGIC,
		                       .version = VERSION,
		                       .pairing = pairing,
		                       .sectors = disk->sectors,
		                       .inode = disk->inode,
		                       .device = disk->device };
	struct marks_layout layout;
	int err = marks_layout(disk->sectors, &layout);

	if (err)
		return err;
	header.shift = layout.shift;
	memcpy(header.vm, disk->vm, sizeof(header.vm));
	header.sum = XXH3_64bits(&header, offsetof(struct marks_header, sum));
	err = store_header(fd, &header);
	for (uint32_t n = 0; n < layout.blocks && !err; n++)
		err = marks_store(fd, pairing, words, n);
	return !err && fsync(fd) ? -errno : err;
}

static int sync_folder(const char *path)
{
	char folder[MARKS_PATH_BYTES];
	char *end;
	int err = 0;
	int fd;

	snprintf(folder, sizeof(folder), "%s", path);
	end = strrchr(folder, '/');
	if (!end)
		return -EINVAL;
	*end = 0;
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fsync(fd))
		err = -errno;
	close(fd);
	return err;
}

int marks_make(const char *path, const struct marks_disk *disk, uint64_t pairing,
               const uint64_t *words)
{
	char made[MARKS_PATH_BYTES + 4];
	int err;
	int fd;

	snprintf(made, sizeof(made), "%s.new", path);
	fd = open(made, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	err = fill(fd, disk, pairing, words);
	if (close(fd) && !err)
		err = -errno;
	if (!err && rename(made, path))
		err = -errno;
	if (err) {
		unlink(made);
		return err;
	}
	return sync_folder(path);
}

int marks_remove(const char *path)
{
	if (unlink(path))
		return errno == ENOENT ? 0 : -errno;
	return sync_folder(path);
}
