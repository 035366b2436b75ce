/* Memory that outlives the process that fills it: a file in a folder of memory, all of it there from the start. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/hold/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int map(int fd, size_t bytes, void **memory)
{
	*memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return *memory == MAP_FAILED ? -errno : 0;
}

int shared_make(const char *path, size_t bytes, void **memory)
{
	int err;
	int fd;

	unlink(path);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	err = fallocate(fd, 0, 0, (off_t)bytes) ? -errno : map(fd, bytes, memory);
	if (!err)
		return fd;
	close(fd);
	unlink(path);
	return err;
}

int shared_find(const char *path, size_t bytes, void **memory)
{
	struct stat status;
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	int err;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status))
		err = -errno;
	else
		err = (size_t)status.st_size == bytes ? map(fd, bytes, memory) : -EINVAL;
	if (!err)
		return fd;
	close(fd);
	return err;
}
