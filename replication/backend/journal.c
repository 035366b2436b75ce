/* The shared file that carries ring journals from a killed process to the one that takes its place. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/backend/journal.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define PATH_BYTES 96

static void make_path(char *path, unsigned int domid, const char *kind, unsigned int devid)
{
	snprintf(path, PATH_BYTES, JOURNAL_FOLDER "/%s-%u-%u.journal", kind, domid, devid);
}

struct ring_journal *journal_map(unsigned int domid, const char *kind, unsigned int devid,
                                 unsigned int count)
{
	size_t bytes = count * sizeof(struct ring_journal);
	char path[PATH_BYTES];
	void *mapping = MAP_FAILED;
	int fd;

	make_path(path, domid, kind, devid);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return NULL;
	if (ftruncate(fd, (off_t)bytes) == 0)
		mapping = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return mapping == MAP_FAILED ? NULL : mapping;
}

void journal_unmap(struct ring_journal *journal, unsigned int count)
{
	munmap(journal, count * sizeof(struct ring_journal));
}

void journal_remove(unsigned int domid, const char *kind, unsigned int devid)
{
	char path[PATH_BYTES];

	make_path(path, domid, kind, devid);
	unlink(path);
}
