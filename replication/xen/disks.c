/* Images by what the backends show in the xenstore: the file or device, its size. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/xen/disks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "replication/backend/store.h"

#define ZERO_BYTES (64u << 10)

/* As the backend opens it: a file that params names, past a loop device on it; else the device. */
static char *find_image(struct xs_handle *xs, const char *back)
{
	char *params = store_read(xs, back, "params");
	struct stat status;

	if (params && *params == '/' && stat(params, &status) == 0 && S_ISREG(status.st_mode))
		return params;
	free(params);
	return store_read(xs, back, "physical-device-path");
}

static int open_one(struct disk *disk, struct xs_handle *xs, uint32_t domid, bool is_writable)
{
	char back[STORE_PATH_BYTES], *path;

	snprintf(back, sizeof(back), "backend/vbd/%u/%u", domid, disk->number);
	if (!store_read_number(xs, back, "sectors", &disk->sectors))
		return -EAGAIN;
	path = find_image(xs, back);
	if (!path)
		return -ENOENT;
	disk->fd = open(path, (is_writable ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	free(path);
	return disk->fd < 0 ? -errno : 0;
}

static int compare(const void *a, const void *b)
{
	const struct disk *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

static int list(struct disks *disks, struct xs_handle *xs, uint32_t domid)
{
	char path[STORE_PATH_BYTES];
	unsigned int count = 0;
	char **names;

	snprintf(path, sizeof(path), "backend/vbd/%u", domid);
	names = xs_directory(xs, XBT_NULL, path, &count);
	for (unsigned int i = 0; names && i < count && i < WIRE_DISKS_MAX; i++) {
		disks->disks[i] = (struct disk){ .fd = -1 };
		disks->disks[i].number = (uint32_t)strtoul(names[i], NULL, 10);
		disks->count++;
	}
	free(names);
	qsort(disks->disks, disks->count, sizeof(disks->disks[0]), compare);
	return count > WIRE_DISKS_MAX ? -E2BIG : 0;
}

int disks_open(struct disks *disks, struct xs_handle *xs, uint32_t domid, bool is_writable)
{
	int err;

	*disks = (struct disks){ 0 };
	err = list(disks, xs, domid);
	for (uint32_t i = 0; !err && i < disks->count; i++)
		err = open_one(&disks->disks[i], xs, domid, is_writable);
	if (err)
		disks_close(disks);
	return err;
}

int disks_find(const struct disks *disks, uint32_t number)
{
	for (uint32_t i = 0; i < disks->count; i++)
		if (disks->disks[i].number == number)
			return (int)i;
	return -1;
}

static int check_place(const struct disk *disk, uint64_t sector, uint64_t sectors)
{
	return sector > disk->sectors || sectors > disk->sectors - sector ? -EINVAL : 0;
}

/* All of it, however the kernel divides it. */
static int transfer(int fd, uint8_t *data, uint64_t bytes, uint64_t offset, bool is_write)
{
	while (bytes) {
		ssize_t done = is_write ? pwrite(fd, data, bytes, (off_t)offset)
		                        : pread(fd, data, bytes, (off_t)offset);

		if (done < 0 && errno != EINTR)
			return -errno;
		if (done == 0)
			return -EIO;
		if (done < 0)
			continue;
		data += done;
		bytes -= (uint64_t)done;
		offset += (uint64_t)done;
	}
	return 0;
}

int disks_read(const struct disk *disk, uint64_t sector, void *data, uint32_t bytes)
{
	int err = check_place(disk, sector, bytes / WIRE_SECTOR);

	return err ? err : transfer(disk->fd, data, bytes, sector * WIRE_SECTOR, false);
}

int disks_write(const struct disk *disk, uint64_t sector, const void *data, uint32_t bytes)
{
	int err = check_place(disk, sector, bytes / WIRE_SECTOR);

	/* Only read from: one function serves both ways. */
	return err ? err
	           : transfer(disk->fd, (void *)(uintptr_t)data, bytes, sector * WIRE_SECTOR, true);
}

int disks_zero(const struct disk *disk, uint64_t sector, uint64_t sectors)
{
	static uint8_t zeroes[ZERO_BYTES];
	int err = check_place(disk, sector, sectors);

	while (!err && sectors) {
		uint64_t now = sectors < ZERO_BYTES / WIRE_SECTOR ? sectors
		                                                  : ZERO_BYTES / WIRE_SECTOR;

		err = transfer(disk->fd, zeroes, now * WIRE_SECTOR, sector * WIRE_SECTOR, true);
		sector += now;
		sectors -= now;
	}
	return err;
}

void disks_close(struct disks *disks)
{
	for (uint32_t i = 0; i < disks->count; i++)
		if (disks->disks[i].fd >= 0)
			close(disks->disks[i].fd);
	*disks = (struct disks){ 0 };
}
