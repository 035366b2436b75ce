/* A virtual disk's bytes: a raw file or block device, read and written without waiting. */
/* SPDX-License-Identifier: Apache-2.0
 *
 * io_uring does not pass through the system call filter, so the queue is restricted to what disks need before it is
 * enabled (style S26).
 */

#include "replication/backend/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <linux/falloc.h>
#include <linux/fs.h>

/* Operations handed over in one call; more are handed over in several. */
#define QUEUE_ENTRIES 256

#define SECTOR 512u

/* Storage that has not ended a write after this long has hung. */
#define PREDECESSOR_WAIT_MS 10000

/* A number from the queue folder of a block device; 0 if there is none. A partition has its disk's. */
static uint64_t device_limit(dev_t device, const char *name)
{
	static const char *const folders[] = { "queue", "../queue" };
	char path[96];
	char text[32] = "";

	for (unsigned int i = 0; i < 2; i++) {
		FILE *file;

		snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/%s/%s", major(device),
		         minor(device), folders[i], name);
		file = fopen(path, "re");
		if (!file)
			continue;
		if (!fgets(text, sizeof(text), file))
			text[0] = 0;
		fclose(file);
		return strtoull(text, NULL, 10);
	}
	return 0;
}

static int measure_device(struct image *image, dev_t device)
{
	uint64_t bytes;
	int logical = SECTOR, physical = SECTOR;

	if (ioctl(image->fd, BLKGETSIZE64, &bytes))
		return -errno;
	ioctl(image->fd, BLKSSZGET, &logical);
	ioctl(image->fd, BLKPBSZGET, &physical);
	image->sectors = bytes / SECTOR;
	image->physical_sector = physical > 0 ? (uint32_t)physical : SECTOR;
	image->can_discard = device_limit(device, "discard_max_bytes") > 0;
	image->discard_granularity = (uint32_t)device_limit(device, "discard_granularity");
	image->is_direct = logical == SECTOR;
	return 0;
}

/* Whether the file system takes direct reads of single sectors. */
static bool takes_sectors(int fd)
{
	void *buffer;
	ssize_t got;

	if (posix_memalign(&buffer, 4096, SECTOR))
		return false;
	got = pread(fd, buffer, SECTOR, 0);
	free(buffer);
	return got >= 0;
}

static void measure_file(struct image *image, const struct stat *status)
{
	off_t beyond = (status->st_size + 4095) / 4096 * 4096;

	image->sectors = (uint64_t)status->st_size / SECTOR;
	image->physical_sector = SECTOR;
	image->discard_granularity = (uint32_t)status->st_blksize;
	/* A hole beyond the end changes nothing, and says whether holes are known here. */
	image->can_discard = !image->is_read_only &&
	                     fallocate(image->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
	                               beyond, 4096) == 0;
	image->is_direct = takes_sectors(image->fd);
}

static int measure(struct image *image)
{
	struct stat status;

	if (fstat(image->fd, &status))
		return -errno;
	if (S_ISBLK(status.st_mode))
		return measure_device(image, status.st_rdev);
	if (!S_ISREG(status.st_mode))
		return -EINVAL;
	measure_file(image, &status);
	return 0;
}

static void drop_direct(struct image *image)
{
	int flags = fcntl(image->fd, F_GETFL);

	if (!image->is_direct)
		fcntl(image->fd, F_SETFL, flags & ~O_DIRECT);
}

/* A lock belongs to the open file, which lives until the last operation on it has ended, even when the process does not.
 * One byte an owner: others that use the image are not our concern here. */
static int wait_for_predecessor(int fd, uint64_t owner)
{
	struct flock lock = {
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = (off_t)(owner & INT64_MAX),
		.l_len = 1,
	};

	for (unsigned int waited = 0; fcntl(fd, F_OFD_SETLK, &lock); waited++) {
		if (errno != EAGAIN && errno != EACCES)
			return -errno;
		if (waited == PREDECESSOR_WAIT_MS)
			return -EBUSY;
		usleep(1000);
	}
	return 0;
}

int image_open(struct image *image, const char *path, bool is_read_only, uint64_t owner)
{
	int flags = (is_read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC;
	int err;

	*image = (struct image){ .is_read_only = is_read_only };
	image->fd = open(path, flags | O_DIRECT);
	if (image->fd < 0 && errno == EINVAL) /* a file system without direct I/O, like tmpfs */
		image->fd = open(path, flags);
	if (image->fd < 0)
		return -errno;
	err = is_read_only ? 0 : wait_for_predecessor(image->fd, owner);
	if (!err)
		err = measure(image);
	if (err) {
		image_close(image);
		return err;
	}
	drop_direct(image);
	image->can_discard = image->can_discard && !is_read_only;
	if (image->discard_granularity < SECTOR)
		image->discard_granularity = SECTOR;
	return 0;
}

void image_close(struct image *image)
{
	if (image->fd >= 0)
		close(image->fd);
	image->fd = -1;
}

static int restrict_ring(struct io_uring *ring)
{
	static const uint8_t allowed[] = { IORING_OP_READ, IORING_OP_WRITE, IORING_OP_FSYNC,
		                           IORING_OP_FALLOCATE };
	struct io_uring_restriction rules[sizeof(allowed)] = { 0 };

	for (unsigned int i = 0; i < sizeof(allowed); i++) {
		rules[i].opcode = IORING_RESTRICTION_SQE_OP;
		rules[i].sqe_op = allowed[i];
	}
	/* The library's names for these two calls are missing from its Debian 12 build. */
	return io_uring_register((unsigned int)ring->ring_fd, IORING_REGISTER_RESTRICTIONS, rules,
	                         sizeof(allowed));
}

int image_queue_open(struct image_queue *queue)
{
	int err;

	queue->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (queue->event < 0)
		return -errno;
	err = io_uring_queue_init(QUEUE_ENTRIES, &queue->ring, IORING_SETUP_R_DISABLED);
	if (err)
		goto close_event;
	err = io_uring_register_eventfd(&queue->ring, queue->event);
	if (!err)
		err = restrict_ring(&queue->ring);
	if (!err)
		err = io_uring_register((unsigned int)queue->ring.ring_fd,
		                        IORING_REGISTER_ENABLE_RINGS, NULL, 0);
	if (err)
		goto exit_ring;
	return 0;

exit_ring:
	io_uring_queue_exit(&queue->ring);
close_event:
	close(queue->event);
	return err;
}

void image_queue_close(struct image_queue *queue)
{
	io_uring_queue_exit(&queue->ring);
	close(queue->event);
}

static struct io_uring_sqe *next_entry(struct image_queue *queue)
{
	struct io_uring_sqe *entry;

	/* The kernel takes all entries at a submit, so there is room after one. */
	while (!(entry = io_uring_get_sqe(&queue->ring)))
		io_uring_submit(&queue->ring);
	return entry;
}

static void prepare(struct image_job *job)
{
	struct io_uring_sqe *entry = next_entry(job->queue);
	int fd = job->image->fd;

	switch (job->code) {
	case IORING_OP_READ:
		io_uring_prep_read(entry, fd, job->buffer, (unsigned int)job->bytes, job->offset);
		break;
	case IORING_OP_WRITE:
		io_uring_prep_write(entry, fd, job->buffer, (unsigned int)job->bytes, job->offset);
		break;
	case IORING_OP_FSYNC:
		io_uring_prep_fsync(entry, fd, IORING_FSYNC_DATASYNC);
		break;
	default:
		io_uring_prep_fallocate(entry, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		                        (off_t)job->offset, (off_t)job->bytes);
	}
	io_uring_sqe_set_data(entry, job);
}

static void start(struct image_queue *queue, const struct image *image, struct image_job *job,
                  uint8_t code, void *buffer, uint64_t offset, uint64_t bytes)
{
	job->queue = queue;
	job->image = image;
	job->code = code;
	job->buffer = buffer;
	job->offset = offset;
	job->bytes = bytes;
	prepare(job);
}

void image_read(struct image_queue *queue, const struct image *image, struct image_job *job,
                void *buffer, uint64_t offset, uint64_t bytes)
{
	start(queue, image, job, IORING_OP_READ, buffer, offset, bytes);
}

void image_write(struct image_queue *queue, const struct image *image, struct image_job *job,
                 void *buffer, uint64_t offset, uint64_t bytes)
{
	start(queue, image, job, IORING_OP_WRITE, buffer, offset, bytes);
}

void image_flush(struct image_queue *queue, const struct image *image, struct image_job *job)
{
	start(queue, image, job, IORING_OP_FSYNC, NULL, 0, 0);
}

void image_discard(struct image_queue *queue, const struct image *image, struct image_job *job,
                   uint64_t offset, uint64_t bytes)
{
	start(queue, image, job, IORING_OP_FALLOCATE, NULL, offset, bytes);
}

void image_queue_submit(struct image_queue *queue)
{
	if (io_uring_sq_ready(&queue->ring))
		io_uring_submit(&queue->ring);
}

static void complete(struct image_job *job, int result)
{
	bool is_transfer = job->code == IORING_OP_READ || job->code == IORING_OP_WRITE;

	if (result == -EINTR || result == -EAGAIN) {
		prepare(job);
		return;
	}
	if (result < 0 || !is_transfer) {
		job->done(job, result < 0 ? result : 0);
		return;
	}
	job->buffer += result;
	job->offset += (uint64_t)result;
	job->bytes -= (uint64_t)result;
	if (job->bytes && result)
		prepare(job);
	else
		job->done(job, job->bytes ? -EIO : 0); /* the image is shorter than it was */
}

void image_queue_reap(struct image_queue *queue)
{
	struct io_uring_cqe *entry;
	eventfd_t count;

	eventfd_read(queue->event, &count);
	while (io_uring_peek_cqe(&queue->ring, &entry) == 0) {
		struct image_job *job = io_uring_cqe_get_data(entry);
		int result = entry->res;

		io_uring_cqe_seen(&queue->ring, entry);
		complete(job, result);
	}
	image_queue_submit(queue);
}
