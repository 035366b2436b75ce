/* Files of marks, of any bytes: what is taken of them stays within the disk. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/marks/marks_file.c */
/* libs: -lxxhash */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xxhash.h>

#include "replication/marks/marks_file.h"

#define SUM_AT 64u /* of the header */

/* As the header would be sealed: behind the sum there is more to find. */
static void seal(int fd, const uint8_t *data, size_t size)
{
	uint64_t sum;

	if (size < SUM_AT + sizeof(sum))
		return;
	sum = XXH3_64bits(data, SUM_AT);
	if (pwrite(fd, &sum, sizeof(sum), SUM_AT) != sizeof(sum))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct marks_disk disk = { .vm = { 1 }, .device = 51712, .inode = 5 };
	struct marks_layout layout;
	uint64_t pairing = 0;
	uint64_t *words;
	uint32_t damaged;
	const char *why;
	int fd = memfd_create("marks", 0);

	disk.sectors = size % 7 ? 4096 + size : (uint64_t)size << 20;
	if (size == 0 || marks_layout(disk.sectors, &layout) || write(fd, data, size) < 0) {
		close(fd);
		return 0;
	}
	if (data[0] & 1)
		seal(fd, data, size);
	words = calloc(layout.words, sizeof(*words));
	if (marks_read_fd(fd, &disk, &pairing, words, &damaged, &why) == 0) {
		if (!pairing || damaged > layout.blocks)
			abort();
		if (marks_count(&layout, words) > layout.extents)
			abort();
	}
	free(words);
	close(fd);
	return 0;
}
