/* A disk's queue between a simulated frontend and a simulated kernel. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "tests/unit/fake_disk.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

uint8_t guest[FAKE_PAGES][RING_PAGE_SIZE];
struct blkif_sring *sring;
static struct ring_journal journal;
uint8_t image_bytes[FAKE_SECTORS * 512];

struct disk *disk;
struct host host;
struct image_job *jobs[FAKE_JOBS_MAX];
unsigned int job_count, notified, submits, answered_before_copy;
const char *failed;

struct copy {
	uint32_t ref;
	uint16_t offset, length;
	void *ours;
	bool is_to_guest;
};

static struct copy copies[GRANTS_BATCH_MAX];

static int gather(struct grants *grants, struct copy copy)
{
	int err = grants->count == GRANTS_BATCH_MAX ? grants_run(grants) : 0;

	assert_true(copy.offset + copy.length <= RING_PAGE_SIZE);
	copies[grants->count++] = copy;
	return err;
}

int grants_read(struct grants *grants, uint32_t ref, uint16_t offset, void *to, uint16_t length)
{
	return gather(grants, (struct copy){ ref, offset, length, to, false });
}

int grants_write(struct grants *grants, uint32_t ref, uint16_t offset, const void *from,
                 uint16_t length)
{
	return gather(grants, (struct copy){ ref, offset, length, (void *)(uintptr_t)from, true });
}

int grants_run(struct grants *grants)
{
	unsigned int count = grants->count;

	grants->count = 0;
	if (count)
		answered_before_copy = sring->rsp_prod;
	for (unsigned int i = 0; i < count; i++) {
		const struct copy *copy = &copies[i];

		if (copy->ref >= FAKE_PAGES)
			return -EFAULT;
		if (copy->is_to_guest)
			memcpy(guest[copy->ref] + copy->offset, copy->ours, copy->length);
		else
			memcpy(copy->ours, guest[copy->ref] + copy->offset, copy->length);
	}
	return 0;
}

void device_fail(struct device *device, const char *why)
{
	device->is_connected = false;
	failed = why;
}

void device_notify(struct device *device, unsigned int number)
{
	notified++;
}

static void hold_job(struct image_job *job, uint8_t code, void *buffer, uint64_t offset,
                     uint64_t bytes)
{
	assert_true(job_count < FAKE_JOBS_MAX);
	assert_true(offset + bytes <= sizeof(image_bytes));
	job->code = code;
	job->buffer = buffer;
	job->offset = offset;
	job->bytes = bytes;
	jobs[job_count++] = job;
}

void image_read(struct image_queue *queue, const struct image *image, struct image_job *job,
                void *buffer, uint64_t offset, uint64_t bytes)
{
	hold_job(job, IORING_OP_READ, buffer, offset, bytes);
}

void image_write(struct image_queue *queue, const struct image *image, struct image_job *job,
                 void *buffer, uint64_t offset, uint64_t bytes)
{
	hold_job(job, IORING_OP_WRITE, buffer, offset, bytes);
}

void image_flush(struct image_queue *queue, const struct image *image, struct image_job *job)
{
	hold_job(job, IORING_OP_FSYNC, NULL, 0, 0);
}

void image_discard(struct image_queue *queue, const struct image *image, struct image_job *job,
                   uint64_t offset, uint64_t bytes)
{
	hold_job(job, IORING_OP_FALLOCATE, NULL, offset, bytes);
}

void image_queue_submit(struct image_queue *queue)
{
	submits++;
}

void complete(unsigned int number, bool is_reported)
{
	struct image_job *job = jobs[number];

	jobs[number] = jobs[--job_count];
	if (job->code == IORING_OP_READ)
		memcpy(job->buffer, image_bytes + job->offset, job->bytes);
	else if (job->code == IORING_OP_WRITE)
		memcpy(image_bytes + job->offset, job->buffer, job->bytes);
	else if (job->code == IORING_OP_FALLOCATE)
		memset(image_bytes + job->offset, 0, job->bytes);
	if (is_reported)
		job->done(job, 0);
}

void fake_disk_start(bool is_attach)
{
	disk = calloc(1, sizeof(*disk));
	disk->device.host = &host;
	disk->device.is_connected = true;
	disk->layout = block_layout(NULL);
	disk->image.sectors = FAKE_SECTORS;
	disk->image.can_discard = true;
	disk->arena = calloc(DISK_REQUESTS_MAX, BLOCK_REQUEST_BYTES_MAX);
	disk->indirect_page = calloc(1, RING_PAGE_SIZE);
	disk_queue_reset(disk);
	disk_marks_close(disk);
	assert_int_equal(ring_open(&disk->ring, sring, RING_PAGE_SIZE, disk->layout->slot_bytes,
	                           disk->layout->response_bytes, &journal, is_attach),
	                 0);
}

void fake_disk_kill(void)
{
	while (job_count) {
		unsigned int number = (unsigned int)rand() % job_count;

		if (rand() & 1)
			complete(number, false);
		else
			jobs[number] = jobs[--job_count];
	}
	disk_marks_close(disk);
	free(disk->arena);
	free(disk->indirect_page);
	free(disk);
}

int fake_disk_set_up(void **state)
{
	sring = calloc(1, RING_PAGE_SIZE);
	sring->rsp_event = 1;
	memset(image_bytes, 0, sizeof(image_bytes));
	memset(&journal, 0, sizeof(journal));
	failed = NULL;
	job_count = notified = submits = answered_before_copy = 0;
	fake_disk_start(false);
	return 0;
}

int fake_disk_tear_down(void **state)
{
	fake_disk_kill();
	free(sring);
	return 0;
}

struct blkif_request *put(uint8_t operation, uint64_t sector, unsigned int sectors, uint32_t ref)
{
	uint32_t at = sring->req_prod++ % 32;
	struct blkif_request *request = &sring->ring[at].req;

	memset(request, 0, sizeof(*request));
	request->operation = operation;
	request->id = sring->req_prod * 1000u;
	request->sector_number = sector;
	if (operation == BLKIF_OP_DISCARD) {
		((struct blkif_request_discard *)request)->nr_sectors = sectors;
	} else if (sectors) {
		request->nr_segments = 1;
		request->seg[0] = (struct blkif_request_segment){ ref, 0, (uint8_t)(sectors - 1) };
	}
	return request;
}

const struct blkif_response *response(uint32_t number)
{
	return &sring->ring[number % 32].rsp;
}
