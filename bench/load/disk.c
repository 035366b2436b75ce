/* Reads or writes random blocks of a disk, past the cache, many at once; prints operations a second. */
/* SPDX-License-Identifier: Apache-2.0
 *
 * usage: disk DEVICE read|write BLOCK_BYTES DEPTH SECONDS
 *
 * The kernel's own asynchronous I/O, called directly: the guest has no library for it.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define DEPTH_MAX 64

static struct iocb blocks[DEPTH_MAX];
static uint64_t block_bytes, block_count;

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* The same sequence on every run. */
static uint64_t next_random(void)
{
	static uint64_t state = 88172645463325252ull;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static void submit(aio_context_t context, struct iocb *block)
{
	block->aio_offset = (int64_t)(next_random() % block_count * block_bytes);
	if (syscall(SYS_io_submit, context, 1, &block) != 1)
		err(1, "io_submit");
}

static void prepare(struct iocb *block, int disk, int code)
{
	void *buffer;

	if (posix_memalign(&buffer, 4096, block_bytes))
		errx(1, "no memory");
	memset(buffer, 0x5a, block_bytes);
	block->aio_fildes = (uint32_t)disk;
	block->aio_lio_opcode = (uint16_t)code;
	block->aio_buf = (uintptr_t)buffer;
	block->aio_nbytes = block_bytes;
}

/* Wait for one at least, and send each on its way again; how many there were. */
static uint64_t turn_around(aio_context_t context, unsigned int depth)
{
	struct io_event events[DEPTH_MAX];
	long done = syscall(SYS_io_getevents, context, 1, depth, events, NULL);

	if (done < 1)
		err(1, "io_getevents");
	for (long i = 0; i < done; i++) {
		if (events[i].res != (int64_t)block_bytes)
			errx(1, "a block failed: %lld", (long long)events[i].res);
		submit(context, (struct iocb *)(uintptr_t)events[i].obj);
	}
	return (uint64_t)done;
}

int main(int argc, char **argv)
{
	aio_context_t context = 0;
	unsigned int depth;
	uint64_t bytes, done = 0;
	double start, end;
	int disk;

	if (argc != 6)
		errx(2, "usage: disk DEVICE read|write BLOCK_BYTES DEPTH SECONDS");
	block_bytes = strtoull(argv[3], NULL, 10);
	depth = (unsigned int)strtoul(argv[4], NULL, 10);
	disk = open(argv[1], O_RDWR | O_DIRECT);
	if (disk < 0 || ioctl(disk, BLKGETSIZE64, &bytes))
		err(1, "%s", argv[1]);
	if (block_bytes == 0 || bytes < block_bytes || depth == 0 || depth > DEPTH_MAX)
		errx(2, "blocks or depth out of range");
	block_count = bytes / block_bytes;
	if (syscall(SYS_io_setup, depth, &context))
		err(1, "io_setup");

	start = now();
	end = start + strtod(argv[5], NULL);
	for (unsigned int i = 0; i < depth; i++) {
		prepare(&blocks[i], disk,
		        strcmp(argv[2], "write") ? IOCB_CMD_PREAD : IOCB_CMD_PWRITE);
		submit(context, &blocks[i]);
	}
	while (now() < end)
		done += turn_around(context, depth);
	printf("%.2f\n", (double)done / (now() - start));
	return 0; /* what is under way ends with the process */
}
