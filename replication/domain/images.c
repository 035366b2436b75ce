/* The images behind a VM's disks: read for a first copy, written on the standby. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/domain/images.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ALIGNMENT 4096u

int images_add(struct images *disks, const char *path, uint32_t device)
{
	if (disks->count == WIRE_DISKS_MAX)
		return -ENOSPC;
	disks->disk[disks->count].path = path;
	disks->disk[disks->count].device = device;
	disks->disk[disks->count].fd = -1;
	disks->count++;
	return 0;
}

/* A file system that knows no way past its cache has none beside it that could differ. */
static int open_to_read(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);

	return fd < 0 && errno == EINVAL ? open(path, O_RDONLY | O_CLOEXEC) : fd;
}

static int open_one(struct images *disks, uint32_t index, bool is_written)
{
	const char *path = disks->disk[index].path;
	struct stat status;
	off_t end;
	int fd = is_written ? open(path, O_RDWR | O_CLOEXEC) : open_to_read(path);

	if (fd < 0)
		return -errno;
	disks->disk[index].fd = fd;
	end = lseek(fd, 0, SEEK_END);
	if (end < 0)
		return -errno;
	if (end == 0 || end % WIRE_SECTOR)
		return -EINVAL;
	disks->disk[index].sectors = (uint64_t)end / WIRE_SECTOR;
	if (fstat(fd, &status))
		return -errno;
	disks->disk[index].inode = S_ISREG(status.st_mode) ? status.st_ino : 0;
	return marks_layout(disks->disk[index].sectors, &disks->disk[index].layout);
}

int images_open(struct images *disks, bool is_written, const char **failed)
{
	*failed = "memory";
	disks->block = aligned_alloc(ALIGNMENT, IMAGES_BLOCK_BYTES);
	if (!disks->block)
		return -ENOMEM;
	for (uint32_t i = 0; i < disks->count; i++) {
		int err = open_one(disks, i, is_written);

		if (err) {
			*failed = disks->disk[i].path;
			return err;
		}
	}
	return 0;
}

void images_close(struct images *disks)
{
	for (uint32_t i = 0; i < disks->count; i++) {
		if (disks->disk[i].fd >= 0)
			close(disks->disk[i].fd);
		disks->disk[i].fd = -1;
		free(disks->disk[i].todo);
		disks->disk[i].todo = NULL;
	}
	free(disks->block);
	disks->block = NULL;
}

void images_tell(const struct images *disks, struct wire_hello *hello)
{
	hello->disks = disks->count;
	for (uint32_t i = 0; i < disks->count; i++)
		hello->disk_sectors[i] = disks->disk[i].sectors;
}

uint64_t images_bytes(const struct images *disks)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < disks->count; i++) {
		const struct marks_layout *layout = &disks->disk[i].layout;
		const uint64_t *todo = disks->disk[i].todo;

		bytes += todo ? (uint64_t)marks_count(layout, todo) << layout->shift
		              : disks->disk[i].sectors * WIRE_SECTOR;
	}
	return bytes;
}

int images_find(const struct images *disks, uint32_t device)
{
	for (uint32_t i = 0; i < disks->count; i++) {
		if (disks->disk[i].device == device)
			return (int)i;
	}
	return -ENXIO;
}

void images_rewind(struct images *disks)
{
	disks->next = 0;
	disks->sector = 0;
}

static int read_whole(int fd, uint8_t *to, size_t size, uint64_t offset)
{
	while (size) {
		ssize_t got = pread(fd, to, size, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -EIO;
		to += got;
		size -= (size_t)got;
		offset += (size_t)got;
	}
	return 0;
}

/* Asked anew for each block: what is known of a hole is as old as a block that was read would be. Devices and file systems
 * that cannot tell have none. */
static bool is_hole(int fd, uint64_t offset, uint64_t size)
{
	off_t data = lseek(fd, (off_t)offset, SEEK_DATA);

	return data < 0 ? errno == ENXIO : (uint64_t)data >= offset + size;
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0;
}

/* How many of the next disk's sectors, from there on, are all to be copied, or all not. 0: it has no more. */
static uint64_t run(const struct images *disks, bool *is_todo)
{
	const uint64_t *todo = disks->disk[disks->next].todo;
	const struct marks_layout *layout = &disks->disk[disks->next].layout;
	uint64_t left = disks->disk[disks->next].sectors - disks->sector;
	uint32_t first, extent, count;
	uint64_t end;

	*is_todo = true;
	if (!todo || !left)
		return left;
	marks_extents(layout, disks->sector, left, &first, &count);
	*is_todo = marks_has(todo, first);
	for (extent = first + 1; extent < first + count; extent++) {
		if (marks_has(todo, extent) != *is_todo)
			break;
	}
	end = ((uint64_t)extent << layout->shift) / WIRE_SECTOR;
	return end - disks->sector < left ? end - disks->sector : left;
}

/* The sectors of the next run that is to be copied; 0: there is none. */
static uint64_t next_run(struct images *disks)
{
	bool is_todo;

	while (disks->next < disks->count) {
		uint64_t sectors = run(disks, &is_todo);

		if (sectors && is_todo)
			return sectors;
		disks->sector += sectors;
		if (sectors)
			continue;
		disks->next++;
		disks->sector = 0;
	}
	return 0;
}

int images_block(struct images *disks, struct disk_write *block)
{
	uint64_t sectors = next_run(disks);
	uint64_t offset;
	int err = 0;
	int fd;

	if (!sectors)
		return 0;
	if (sectors > IMAGES_BLOCK_BYTES / WIRE_SECTOR)
		sectors = IMAGES_BLOCK_BYTES / WIRE_SECTOR;
	*block = (struct disk_write){ .disk = (uint16_t)disks->next,
		                      .op = WIRE_DISK_DATA,
		                      .sector = disks->sector,
		                      .sectors = sectors,
		                      .data = disks->block,
		                      .size = (uint32_t)(sectors * WIRE_SECTOR) };
	fd = disks->disk[disks->next].fd;
	offset = disks->sector * WIRE_SECTOR;
	if (is_hole(fd, offset, block->size))
		memset(disks->block, 0, block->size);
	else
		err = read_whole(fd, disks->block, block->size, offset);
	if (err)
		return err;
	disks->sector += sectors;
	return 1;
}

void images_shorten(struct disk_write *block)
{
	if (!is_zero(block->data, block->size))
		return;
	block->op = WIRE_DISK_ZERO;
	block->data = NULL;
	block->size = 0;
}

static int write_whole(int fd, const uint8_t *bytes, size_t size, uint64_t offset)
{
	while (size) {
		ssize_t put = pwrite(fd, bytes, size, (off_t)offset);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return put < 0 ? -errno : -EIO;
		bytes += put;
		size -= (size_t)put;
		offset += (size_t)put;
	}
	return 0;
}

static int write_zeroes(int fd, uint64_t offset, uint64_t size)
{
	static const uint8_t zeroes[64u << 10];

	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)size) ==
	    0)
		return 0;
	while (size) {
		size_t some = size < sizeof(zeroes) ? size : sizeof(zeroes);
		int err = write_whole(fd, zeroes, some, offset);

		if (err)
			return err;
		offset += some;
		size -= some;
	}
	return 0;
}

int images_write(struct images *disks, const struct disk_write *write)
{
	int fd = disks->disk[write->disk].fd;
	uint64_t offset = write->sector * WIRE_SECTOR;

	if (write->op == WIRE_DISK_ZERO)
		return write_zeroes(fd, offset, write->sectors * WIRE_SECTOR);
	return write_whole(fd, write->data, write->size, offset);
}

int images_flush(struct images *disks)
{
	for (uint32_t i = 0; i < disks->count; i++) {
		if (fdatasync(disks->disk[i].fd))
			return -errno;
	}
	return 0;
}
