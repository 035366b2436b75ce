/* The folder of what is protected: a file a VM, written whole or not at all. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/daemon/ledger.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUFFIX    ".json"
#define LISTING   ".xl"
#define PATH_SIZE (PROTECTION_NAME_SIZE + 16)

int ledger_open(const char *path)
{
	int folder;

	if (mkdir(path, 0700) && errno != EEXIST)
		return -errno;
	folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return folder < 0 ? -errno : folder;
}

/* True: it is the file of a VM, called *name. */
static bool name_of(const char *file, char name[PROTECTION_NAME_SIZE])
{
	size_t length = strlen(file), end = strlen(SUFFIX);

	if (length <= end || length - end >= PROTECTION_NAME_SIZE ||
	    strcmp(file + length - end, SUFFIX))
		return false;
	memcpy(name, file, length - end);
	name[length - end] = 0;
	return protection_is_name(name);
}

static int read_file(int folder, const char *file, const char *name, struct protection *protection,
                     char why[PROTECTION_WHY_SIZE])
{
	int fd = openat(folder, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	json_error_t error;
	json_t *json;
	int err;

	if (fd < 0) {
		snprintf(why, PROTECTION_WHY_SIZE, "%s", strerror(errno));
		return -errno;
	}
	json = json_loadfd(fd, JSON_REJECT_DUPLICATES, &error);
	close(fd);
	if (!json) {
		snprintf(why, PROTECTION_WHY_SIZE, "%.150s", error.text);
		return -EINVAL;
	}
	err = protection_from_json(protection, json, why);
	json_decref(json);
	if (!err && strcmp(protection->name, name)) {
		snprintf(why, PROTECTION_WHY_SIZE, "it is of another VM, %s", protection->name);
		return -EINVAL;
	}
	return err;
}

int ledger_each(int folder,
                void (*tell)(const char *name, const struct protection *protection, const char *why,
                             void *data),
                void *data)
{
	int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *listing = copy < 0 ? NULL : fdopendir(copy);
	char name[PROTECTION_NAME_SIZE], why[PROTECTION_WHY_SIZE];
	struct protection protection;
	struct dirent *entry;

	if (!listing)
		return -errno;
	while ((entry = readdir(listing))) {
		if (!name_of(entry->d_name, name))
			continue;
		if (read_file(folder, entry->d_name, name, &protection, why))
			tell(name, NULL, why, data);
		else
			tell(name, &protection, NULL, data);
	}
	closedir(listing);
	return 0;
}

static int write_text(int folder, const char *file, const char *text)
{
	int fd = openat(folder, file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	size_t length = strlen(text), done = 0;
	int err = fd < 0 ? -errno : 0;

	while (!err && done < length) {
		ssize_t wrote = write(fd, text + done, length - done);

		if (wrote > 0)
			done += (size_t)wrote;
		else if (errno != EINTR)
			err = -errno;
	}
	if (!err && fsync(fd))
		err = -errno;
	if (fd >= 0)
		close(fd);
	return err;
}

static int replace(int folder, const char *name, const char *suffix, const char *text)
{
	char file[PATH_SIZE], fresh[PATH_SIZE];
	int err;

	snprintf(file, sizeof(file), "%s%s", name, suffix);
	snprintf(fresh, sizeof(fresh), "%s.new", name);
	err = write_text(folder, fresh, text);
	if (!err && (renameat(folder, fresh, folder, file) || fsync(folder)))
		err = -errno;
	return err;
}

int ledger_keep(int folder, const char *name, const char *listing)
{
	return replace(folder, name, LISTING, listing);
}

void ledger_listing(const char *path, const char *name, char *file, size_t size)
{
	snprintf(file, size, "%s/%s" LISTING, path, name);
}

int ledger_write(int folder, const struct protection *protection)
{
	json_t *json = protection_to_json(protection);
	char *text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;

	int err = text ? replace(folder, protection->name, SUFFIX, text) : -ENOMEM;

	json_decref(json);
	free(text);
	return err;
}

int ledger_remove(int folder, const char *name)
{
	char file[PATH_SIZE];

	snprintf(file, sizeof(file), "%s" LISTING, name);
	unlinkat(folder, file, 0);
	snprintf(file, sizeof(file), "%s" SUFFIX, name);
	if (unlinkat(folder, file, 0) && errno != ENOENT)
		return -errno;
	return fsync(folder) ? -errno : 0;
}
