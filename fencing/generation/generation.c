/* The durable record of each VM: a new file, synced, takes the old one's name; then the folder is synced. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "fencing/generation/generation.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <xxhash.h>

#define MAGIC   "RemusGen"
#define VERSION 1

/* The file, in the host's byte order: it never leaves the host. */
struct stored {
	char magic[8];
	uint32_t version;
	uint32_t situation;
	uint64_t generation;
	uint64_t round;
	uint32_t peer;
	uint32_t reserved; /* 0 */
	char vm[GENERATION_VM_MAX];
	uint64_t checksum; /* XXH3 of all before it */
};
_Static_assert(sizeof(struct stored) == 176, "the file's layout");

static uint64_t checksum(const struct stored *stored)
{
	return XXH3_64bits(stored, offsetof(struct stored, checksum));
}

static int check_name(const char *vm)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._+-";
	size_t length = strlen(vm);

	if (length == 0 || length >= GENERATION_VM_MAX || vm[0] == '.')
		return -EINVAL;
	return strspn(vm, allowed) == length ? 0 : -EINVAL;
}

static int check_stored(const struct stored *stored, const char *vm)
{
	bool is_whole = memcmp(stored->magic, MAGIC, sizeof(stored->magic)) == 0 &&
	                stored->version == VERSION && stored->checksum == checksum(stored) &&
	                stored->situation < SITUATION_COUNT && stored->reserved == 0 &&
	                strncmp(stored->vm, vm, sizeof(stored->vm)) == 0;

	return is_whole ? 0 : -EBADMSG;
}

/* One byte more than the file has is asked for: a longer one is not ours. */
static int read_file(int fd, struct stored *stored)
{
	char bytes[sizeof(*stored) + 1];
	size_t have = 0;

	while (have < sizeof(bytes)) {
		ssize_t got = read(fd, bytes + have, sizeof(bytes) - have);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		have += (size_t)got;
	}
	if (have != sizeof(*stored))
		return -EBADMSG;
	memcpy(stored, bytes, sizeof(*stored));
	return 0;
}

int generation_read(int folder, const char *vm, struct record *record)
{
	struct stored stored;
	int fd, err = check_name(vm);

	*record = (struct record){ .situation = SITUATION_NONE };
	if (err)
		return err;
	fd = openat(folder, vm, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	err = read_file(fd, &stored);
	close(fd);
	if (!err)
		err = check_stored(&stored, vm);
	if (err)
		return err;
	*record = (struct record){ .situation = (enum situation)stored.situation,
		                   .right = { stored.generation, stored.round },
		                   .peer = stored.peer };
	return 0;
}

static int write_all(int fd, const void *bytes, size_t size)
{
	const char *next = bytes;

	while (size) {
		ssize_t done = write(fd, next, size);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		next += done;
		size -= (size_t)done;
	}
	return 0;
}

static int write_synced(int folder, const char *name, const struct stored *stored)
{
	int fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int err;

	if (fd < 0)
		return -errno;
	err = write_all(fd, stored, sizeof(*stored));
	if (!err && fsync(fd))
		err = -errno;
	if (close(fd) && !err)
		err = -errno;
	return err;
}

static int check_order(int folder, const char *vm, const struct record *record)
{
	struct record old;
	int err = generation_read(folder, vm, &old);

	if (err)
		return err == -ENOENT ? 0 : err;
	return right_compare(record->right, old.right) < 0 ? -ESTALE : 0;
}

int generation_write(int folder, const char *vm, const struct record *record)
{
	struct stored stored = { .magic = MAGIC,
		                 .version = VERSION,
		                 .situation = record->situation,
		                 .generation = record->right.generation,
		                 .round = record->right.round,
		                 .peer = record->peer };
	char fresh[GENERATION_VM_MAX + 8];
	int err = check_order(folder, vm, record);

	if (err)
		return err;
	snprintf(stored.vm, sizeof(stored.vm), "%s", vm);
	stored.checksum = checksum(&stored);
	snprintf(fresh, sizeof(fresh), ".%s.new", vm);
	err = write_synced(folder, fresh, &stored);
	if (err)
		goto err_after_create;
	if (renameat(folder, fresh, folder, vm)) {
		err = -errno;
		goto err_after_create;
	}
	return fsync(folder) ? -errno : 0;

err_after_create:
	unlinkat(folder, fresh, 0);
	return err;
}

int generation_forget(int folder, const char *vm)
{
	int err = check_name(vm);

	if (err)
		return err;
	if (unlinkat(folder, vm, 0) && errno != ENOENT)
		return -errno;
	return fsync(folder) ? -errno : 0;
}
