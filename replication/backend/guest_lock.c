/* The lock of a guest's devices: a file below the folder of rings' journals. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/backend/guest_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "replication/backend/journal.h"

#define PATH_BYTES 64

static void make_path(char path[PATH_BYTES], unsigned int domid)
{
	snprintf(path, PATH_BYTES, JOURNAL_FOLDER "/backend-%u.lock", domid);
}

/* Its last holder may have removed the file between our opening and locking it: then the lock is of no file. */
static int is_current(const char *path, int fd)
{
	struct stat ours, there;

	return !fstat(fd, &ours) && !stat(path, &there) && ours.st_ino == there.st_ino;
}

int guest_lock_take(unsigned int domid)
{
	char path[PATH_BYTES];
	int err, fd;

	if (mkdir(JOURNAL_FOLDER, 0700) && errno != EEXIST)
		return -errno;
	make_path(path, domid);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	err = flock(fd, LOCK_EX | LOCK_NB) ? -errno : 0;
	if (!err && is_current(path, fd))
		return fd;
	close(fd);
	return err ? err : -EWOULDBLOCK;
}

void guest_lock_drop(unsigned int domid, int fd)
{
	char path[PATH_BYTES];

	make_path(path, domid);
	unlink(path);
	close(fd);
}
