/* A virtual disk's bytes: a raw file or block device, read and written without waiting. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_BACKEND_IMAGE_H
#define REPLICATION_BACKEND_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include <liburing.h>

/* What buffers, offsets and lengths of direct I/O are multiples of; buffers are page aligned besides. */
#define IMAGE_ALIGNMENT 512u

struct image {
	int fd;
	uint64_t sectors; /* of 512 bytes */
	bool is_read_only;
	bool is_direct; /* past the page cache; where the storage does not take 512 bytes, through it */
	bool can_discard;
	uint32_t discard_granularity; /* bytes */
	uint32_t physical_sector;     /* bytes */
};

/* 0 or a negative errno. owner is a number for who writes: what a killed process with the same number still has under
 * way is waited for, so that it cannot come after ours. */
int image_open(struct image *image, const char *path, bool is_read_only, uint64_t owner);
void image_close(struct image *image);

/* One queue to the kernel for all images of a process. */
struct image_queue {
	struct io_uring ring;
	int event; /* readable when something completed */
};

int image_queue_open(struct image_queue *queue);
void image_queue_close(struct image_queue *queue);

/* An operation under way. The caller owns it and its buffer, and keeps both until done is called. */
struct image_job {
	void (*done)(struct image_job *job, int err);
	struct image_queue *queue;
	const struct image *image;
	uint8_t code; /* IORING_OP_* */
	uint8_t *buffer;
	uint64_t offset, bytes; /* what is left to do */
};

/* These prepare; image_queue_submit() tells the kernel of all that were prepared. */
void image_read(struct image_queue *queue, const struct image *image, struct image_job *job,
                void *buffer, uint64_t offset, uint64_t bytes);
void image_write(struct image_queue *queue, const struct image *image, struct image_job *job,
                 void *buffer, uint64_t offset, uint64_t bytes);
void image_flush(struct image_queue *queue, const struct image *image, struct image_job *job);
void image_discard(struct image_queue *queue, const struct image *image, struct image_job *job,
                   uint64_t offset, uint64_t bytes);

void image_queue_submit(struct image_queue *queue);

/* Call done of what has completed. Short transfers go on by themselves. */
void image_queue_reap(struct image_queue *queue);

#endif
