/* Disk requests against a simulated frontend and image: ring order, and backends that die at any moment. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/backend/disk_queue.c replication/backend/block_parse.c replication/backend/ring.c replication/backend/output.c replication/hold/record_log.c common/log.c */

#include <errno.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>
#include <xen/xen.h>
#include <xen/io/blkif.h>

#include "replication/backend/disk_queue.h"
#include "replication/hold/shared.h"

#define PAGES        512u
#define DISK_SECTORS 64u
#define JOBS_MAX     64u

/* The frontend's memory: a grant reference is a page of it, and a reference beyond is not granted. */
static uint8_t guest[PAGES][RING_PAGE_SIZE];
static struct blkif_sring *sring;
static struct ring_journal journal;
static uint8_t image_bytes[DISK_SECTORS * 512];

/* The backend, and what its kernel has in hand. */
static struct disk *disk;
static struct host host;
static struct image_job *jobs[JOBS_MAX];
static unsigned int job_count, notified;
static const char *failed;

/* --- what the queue calls --- */

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
	for (unsigned int i = 0; i < count; i++) {
		const struct copy *copy = &copies[i];

		if (copy->ref >= PAGES)
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
	assert_true(job_count < JOBS_MAX);
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
}

/* --- the holder of its output --- */

static uint8_t *shared;

int shared_find(const char *path, size_t bytes, void **memory)
{
	return -ENOENT;
}

int shared_make(const char *path, size_t bytes, void **memory)
{
	shared = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	*memory = shared;
	return dup(0);
}

static void hear(struct output *output, const struct door_message *message, int fd)
{
}

static bool is_noted(struct output *output)
{
	return disk->unnoted == 0;
}

static uint64_t under_way(struct output *output)
{
	return disk_oldest_note(disk);
}

static void go(struct output *output)
{
	disk_serve(disk);
}

static const struct output_ops output_ops = {
	.answer = hear, .is_noted = is_noted, .under_way = under_way, .go = go
};

static void tell(enum door_kind kind, uint64_t epoch)
{
	struct door_message message = { .version = DOOR_VERSION, .kind = kind, .epoch = epoch };

	output_message(&host.output, &message);
}

/* --- the simulation --- */

/* The kernel ends one of its jobs, whichever. */
static void complete(unsigned int number, bool is_reported)
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

static void start_backend(bool is_attach)
{
	disk = calloc(1, sizeof(*disk));
	disk->device.host = &host;
	disk->device.is_connected = true;
	disk->layout = block_layout(NULL);
	disk->image.sectors = DISK_SECTORS;
	disk->image.can_discard = true;
	disk->arena = calloc(DISK_REQUESTS_MAX, BLOCK_REQUEST_BYTES_MAX);
	disk->indirect_page = calloc(1, RING_PAGE_SIZE);
	disk_queue_reset(disk);
	assert_int_equal(ring_open(&disk->ring, sring, RING_PAGE_SIZE, disk->layout->slot_bytes,
	                           disk->layout->response_bytes, &journal, is_attach),
	                 0);
}

/* Killed: of what the kernel has, each job still ends or never began. The image's lock has the
 * successor wait for them. */
static void kill_backend(void)
{
	while (job_count) {
		unsigned int number = (unsigned int)rand() % job_count;

		if (rand() & 1)
			complete(number, false);
		else
			jobs[number] = jobs[--job_count];
	}
	free(disk->arena);
	free(disk->indirect_page);
	free(disk);
}

static int set_up(void **state)
{
	sring = calloc(1, RING_PAGE_SIZE);
	sring->rsp_event = 1;
	memset(image_bytes, 0, sizeof(image_bytes));
	memset(&journal, 0, sizeof(journal));
	failed = NULL;
	job_count = notified = 0;
	start_backend(false);
	return 0;
}

static int tear_down(void **state)
{
	kill_backend();
	free(sring);
	return 0;
}

static struct blkif_request *put(uint8_t operation, uint64_t sector, unsigned int sectors,
                                 uint32_t ref)
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

static const struct blkif_response *response(uint32_t number)
{
	return &sring->ring[number % 32].rsp;
}

static void responses_come_in_ring_order(void **state)
{
	for (uint32_t i = 0; i < 8; i++)
		put(BLKIF_OP_WRITE, i * 8, 8, i);
	assert_true(disk_serve(disk));
	assert_int_equal(job_count, 8);
	while (job_count > 1) { /* the first comes last */
		unsigned int number = jobs[0] == &disk->requests[0].job ? 1 : 0;

		complete(number, true);
		assert_true(disk_serve(disk));
		assert_int_equal(sring->rsp_prod, 0);
	}
	complete(0, true);
	assert_true(disk_serve(disk));
	assert_int_equal(sring->rsp_prod, 8);
	assert_true(notified > 0);
	for (uint32_t i = 0; i < 8; i++) {
		assert_int_equal(response(i)->id, (i + 1) * 1000);
		assert_int_equal(response(i)->status, BLKIF_RSP_OKAY);
	}
}

static void requests_for_the_same_sectors_wait(void **state)
{
	put(BLKIF_OP_WRITE, 0, 8, 0);
	put(BLKIF_OP_READ, 4, 8, 1);
	put(BLKIF_OP_READ, 16, 8, 2);
	put(BLKIF_OP_FLUSH_DISKCACHE, UINT64_MAX, 0, 0);
	assert_true(disk_serve(disk));
	assert_int_equal(job_count, 2); /* the write, and the read elsewhere */
	memset(image_bytes, 0x11, sizeof(image_bytes));
	memset(disk->requests[0].buffer, 0x22, 4096);
	complete(0, true);
	assert_true(disk_serve(disk));
	assert_int_equal(job_count, 3);
	while (job_count) {
		complete(0, true);
		assert_true(disk_serve(disk));
	}
	assert_int_equal(sring->rsp_prod, 4);
	assert_int_equal(guest[1][0], 0x22);
	assert_int_equal(guest[1][4095], 0x11);
}

static void what_it_may_not_is_answered(void **state)
{
	put(BLKIF_OP_READ, DISK_SECTORS - 4, 8, 0);
	put(BLKIF_OP_WRITE, UINT64_MAX, 8, 0);
	put(BLKIF_OP_WRITE_BARRIER, 0, 8, 0);
	put(BLKIF_OP_DISCARD, 0, UINT32_MAX, 0);
	assert_true(disk_serve(disk));
	assert_int_equal(sring->rsp_prod, 4);
	assert_int_equal(response(0)->status, BLKIF_RSP_ERROR);
	assert_int_equal(response(1)->status, BLKIF_RSP_ERROR);
	assert_int_equal(response(2)->status, BLKIF_RSP_EOPNOTSUPP);
	assert_int_equal(response(3)->status, BLKIF_RSP_ERROR);
	disk->image.is_read_only = true;
	put(BLKIF_OP_WRITE, 0, 8, 0);
	assert_true(disk_serve(disk));
	assert_int_equal(response(4)->status, BLKIF_RSP_ERROR);
}

static void garbage_closes(void **state)
{
	put(77, 0, 8, 0);
	assert_false(disk_serve(disk));
	assert_non_null(failed);
}

static void pages_not_granted_close(void **state)
{
	put(BLKIF_OP_WRITE, 0, 8, 60000);
	assert_false(disk_serve(disk));
	assert_non_null(failed);
}

static void an_impossible_index_closes(void **state)
{
	sring->req_prod = 33;
	assert_false(disk_serve(disk));
	assert_non_null(failed);
}

/* A write of one sector from each of the first pages. */
static void put_indirect(uint16_t count)
{
	struct blkif_request_indirect *request;
	struct blkif_request_segment *segments = (struct blkif_request_segment *)guest[100];

	request = (struct blkif_request_indirect *)put(BLKIF_OP_INDIRECT, 0, 0, 0);
	request->indirect_op = BLKIF_OP_WRITE;
	request->nr_segments = count;
	request->indirect_grefs[0] = 100;
	for (uint32_t i = 0; i < count; i++) {
		segments[i] = (struct blkif_request_segment){ i, 2, 2 };
		memset(guest[i] + 1024, (int)i + 1, 512);
	}
}

static void indirect_segments_are_read_from_their_page(void **state)
{
	put_indirect(64);
	assert_true(disk_serve(disk));
	complete(0, true);
	assert_true(disk_serve(disk));
	assert_int_equal(sring->rsp_prod, 1);
	assert_int_equal(response(0)->operation, BLKIF_OP_WRITE);
	for (unsigned int i = 0; i < 64; i++)
		assert_int_equal(image_bytes[i * 512], i + 1);
}

static void large_writes_go_on_while_others_are_unread(void **state)
{
	put_indirect(64);
	put(77, 0, 8, 0);
	assert_false(disk_serve(disk)); /* for the second, but it did not wait for it */
	assert_int_equal(job_count, 1);
	complete(0, true);
	for (unsigned int i = 0; i < 64; i++)
		assert_int_equal(image_bytes[i * 512], i + 1);
}

/* A frontend that writes a number of its own into sectors that no other of its outstanding requests touches, as file
 * systems do, reads them back, and finds what it was last told to be there; while backends die all the time. */
struct client {
	uint8_t truth[DISK_SECTORS / 8]; /* by page of the disk */
	struct {
		bool is_busy, is_write;
		uint8_t page, value;
	} slot[32];
	bool is_taken[DISK_SECTORS / 8];
	uint32_t answered;
};

static void client_ask(struct client *client)
{
	uint32_t at = sring->req_prod % 32;
	uint8_t page = (uint8_t)((unsigned int)rand() % (DISK_SECTORS / 8));

	if (client->is_taken[page] || sring->req_prod - client->answered >= 32)
		return;
	client->is_taken[page] = true;
	client->slot[at].is_busy = true;
	client->slot[at].page = page;
	client->slot[at].is_write = rand() & 1;
	client->slot[at].value = (uint8_t)rand();
	memset(guest[at], client->slot[at].is_write ? client->slot[at].value : 0xee,
	       RING_PAGE_SIZE);
	put(client->slot[at].is_write ? BLKIF_OP_WRITE : BLKIF_OP_READ, page * 8u, 8, at);
}

static void client_listen(struct client *client)
{
	while (client->answered != sring->rsp_prod) {
		uint32_t at = client->answered % 32;
		uint8_t page = client->slot[at].page;

		assert_true(client->slot[at].is_busy);
		assert_int_equal(response(client->answered)->id, (client->answered + 1) * 1000u);
		assert_int_equal(response(client->answered)->status, BLKIF_RSP_OKAY);
		if (client->slot[at].is_write) {
			client->truth[page] = client->slot[at].value;
			assert_int_equal(image_bytes[page * 4096], client->truth[page]);
		} else {
			assert_int_equal(guest[at][0], client->truth[page]);
			assert_int_equal(guest[at][4095], client->truth[page]);
		}
		client->slot[at].is_busy = client->is_taken[page] = false;
		client->answered++;
	}
}

static void nothing_is_lost_when_backends_die(void **state)
{
	struct client client = { 0 };

	srand(1);
	for (int step = 0; step < 100000; step++) {
		switch (rand() % 8) {
		case 0 ... 2:
			client_ask(&client);
			break;
		case 3 ... 4:
			if (job_count)
				complete((unsigned int)rand() % job_count, true);
			break;
		case 5 ... 6:
			assert_true(disk_serve(disk));
			client_listen(&client);
			break;
		default:
			if (rand() % 16 == 0) {
				kill_backend();
				start_backend(true);
			}
		}
	}
	do {
		assert_true(disk_serve(disk));
		while (job_count)
			complete(0, true);
		assert_true(disk_serve(disk));
		client_listen(&client);
	} while (client.answered != sring->req_prod);
	assert_true(client.answered > 1000);
}

static void changes_are_noted_in_their_order(void **state)
{
	static const uint32_t kinds[] = { NOTE_WRITE, NOTE_DISCARD, NOTE_WRITE, NOTE_FLUSH };
	uint64_t position = 0;

	assert_int_equal(output_adopt(&host.output, 1, &output_ops), 0);
	tell(DOOR_TAKE, 1);
	memset(guest[0], 0x33, RING_PAGE_SIZE);
	put(BLKIF_OP_WRITE, 0, 8, 0);
	put(BLKIF_OP_READ, 8, 8, 1);
	put(BLKIF_OP_DISCARD, 16, 8, 0);
	put(BLKIF_OP_WRITE, 4, 8, 0); /* waits for the first */
	put(BLKIF_OP_FLUSH_DISKCACHE, 0, 0, 0);
	do {
		assert_true(disk_serve(disk));
		while (job_count)
			complete((unsigned int)rand() % job_count, true);
	} while (sring->rsp_prod != 5);
	for (unsigned int i = 0; i < 4; i++) {
		const struct record *record = record_log_next(&host.output.log, &position,
		                                              record_log_tail(&host.output.log));
		const struct door_write *write = (const struct door_write *)record->payload;

		assert_int_equal(record->kind, kinds[i]);
		if (record->kind == NOTE_WRITE) {
			assert_int_equal(write->sector, i ? 4 : 0);
			assert_int_equal(write->sectors, 8);
			assert_int_equal(record->payload[sizeof(*write) + 4095], 0x33);
		}
	}
	assert_int_equal(position, record_log_tail(&host.output.log));
	output_remove(&host.output);
}

/* I2: whoever copies the image does not find there what the kernel still has. */
static void notes_stay_until_their_writes_are_done(void **state)
{
	assert_int_equal(output_adopt(&host.output, 1, &output_ops), 0);
	tell(DOOR_TAKE, 1);
	put(BLKIF_OP_WRITE, 0, 8, 0);
	put(BLKIF_OP_WRITE, 16, 8, 0);
	assert_true(disk_serve(disk));
	assert_int_equal(job_count, 2);
	tell(DOOR_STOP, 1);
	tell(DOOR_CUT, 1);
	tell(DOOR_FORGET, 1);
	assert_int_equal(record_log_head(&host.output.log), 0);
	complete(0, true);
	assert_true(disk_serve(disk));
	complete(0, true);
	assert_true(disk_serve(disk));
	tell(DOOR_FORGET, 1);
	assert_true(record_log_is_empty(&host.output.log));
	output_remove(&host.output);
}

static void a_full_log_stalls_the_disk(void **state)
{
	uint32_t before;

	assert_int_equal(output_adopt(&host.output, 1, &output_ops), 0);
	tell(DOOR_TAKE, 1);
	do {
		before = sring->rsp_prod;
		put(BLKIF_OP_WRITE, 0, 8, 0);
		assert_true(disk_serve(disk));
		while (job_count)
			complete(0, true);
		assert_true(disk_serve(disk));
	} while (sring->rsp_prod != before);
	assert_true(before > 7000);
	tell(DOOR_STOP, 1);
	tell(DOOR_CUT, 1);
	assert_int_equal(job_count, 0);
	tell(DOOR_RELEASE, 1);
	assert_int_equal(job_count, 1);
	complete(0, true);
	assert_true(disk_serve(disk));
	assert_int_equal(sring->rsp_prod, before + 1);
	output_remove(&host.output);
}

static void writes_under_way_are_waited_for(void **state)
{
	assert_int_equal(output_adopt(&host.output, 1, &output_ops), 0);
	put(BLKIF_OP_WRITE, 0, 8, 0);
	put(BLKIF_OP_READ, 8, 8, 0);
	assert_true(disk_serve(disk));
	assert_int_equal(disk->unnoted, 1);
	tell(DOOR_TAKE, 1);
	assert_true(host.output.is_taking);
	complete(0, true);
	output_settled(&host.output);
	assert_false(host.output.is_taking);
	assert_true(disk_serve(disk));
	output_remove(&host.output);
}

#define DISK_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DISK_TEST(responses_come_in_ring_order),
		DISK_TEST(requests_for_the_same_sectors_wait),
		DISK_TEST(what_it_may_not_is_answered),
		DISK_TEST(garbage_closes),
		DISK_TEST(pages_not_granted_close),
		DISK_TEST(an_impossible_index_closes),
		DISK_TEST(indirect_segments_are_read_from_their_page),
		DISK_TEST(large_writes_go_on_while_others_are_unread),
		DISK_TEST(changes_are_noted_in_their_order),
		DISK_TEST(notes_stay_until_their_writes_are_done),
		DISK_TEST(a_full_log_stalls_the_disk),
		DISK_TEST(writes_under_way_are_waited_for),
		DISK_TEST(nothing_is_lost_when_backends_die),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
