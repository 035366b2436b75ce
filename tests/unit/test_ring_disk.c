/* Disk requests against a simulated frontend and image: ring order, and backends that die at any moment. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/backend/disk_queue.c replication/backend/disk_marks.c replication/backend/marks.c replication/marks/marks_file.c replication/backend/block_parse.c replication/backend/ring.c replication/backend/guest_lock.c replication/backend/output.c replication/hold/record_log.c common/log.c tests/unit/fake_disk.c common/exempt.c */
/* libs: -lxxhash */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "replication/hold/shared.h"
#include "tests/unit/fake_disk.h"

/* Nobody holds. */
int shared_find(const char *path, size_t bytes, void **memory)
{
	return -ENOENT;
}

int shared_make(const char *path, size_t bytes, void **memory)
{
	return -ENOSPC;
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
	put(BLKIF_OP_READ, FAKE_SECTORS - 4, 8, 0);
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

/* One sector of each of the first pages, written or read. */
static void put_indirect(uint8_t operation, uint16_t count)
{
	struct blkif_request_indirect *request;
	struct blkif_request_segment *segments = (struct blkif_request_segment *)guest[100];

	request = (struct blkif_request_indirect *)put(BLKIF_OP_INDIRECT, 0, 0, 0);
	request->indirect_op = operation;
	request->nr_segments = count;
	request->indirect_grefs[0] = 100;
	for (uint32_t i = 0; i < count; i++) {
		segments[i] = (struct blkif_request_segment){ i, 2, 2 };
		memset(guest[i] + 1024, (int)i + 1, 512);
	}
}

static void indirect_segments_are_read_from_their_page(void **state)
{
	put_indirect(BLKIF_OP_WRITE, 64);
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
	put_indirect(BLKIF_OP_WRITE, 64);
	put(77, 0, 8, 0);
	assert_false(disk_serve(disk)); /* for the second, but it did not wait for it */
	assert_int_equal(job_count, 1);
	complete(0, true);
	for (unsigned int i = 0; i < 64; i++)
		assert_int_equal(image_bytes[i * 512], i + 1);
}

/* Nothing is copied before a read is done: a ring full of them is one call. */
static void reads_are_handed_over_together(void **state)
{
	for (unsigned int i = 0; i < 32; i++)
		put_indirect(BLKIF_OP_READ, 64);
	assert_true(disk_serve(disk));
	assert_int_equal(job_count, 32);
	assert_int_equal(submits, 1);
}

static void what_is_done_is_answered_before_more_is_copied(void **state)
{
	put(BLKIF_OP_WRITE, 0, 8, 0);
	assert_true(disk_serve(disk));
	complete(0, true);
	put(BLKIF_OP_WRITE, 8, 8, 1);
	assert_true(disk_serve(disk));
	assert_int_equal(answered_before_copy, 1);
}

/* A frontend that writes a number of its own into sectors that no other of its outstanding requests touches, as file
 * systems do, reads them back, and finds what it was last told to be there; while backends die all the time. */
struct client {
	uint8_t truth[FAKE_SECTORS / 8]; /* by page of the disk */
	struct {
		bool is_busy, is_write;
		uint8_t page, value;
	} slot[32];
	bool is_taken[FAKE_SECTORS / 8];
	uint32_t answered;
};

static void client_ask(struct client *client)
{
	uint32_t at = sring->req_prod % 32;
	uint8_t page = (uint8_t)((unsigned int)rand() % (FAKE_SECTORS / 8));

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
				fake_disk_kill();
				fake_disk_start(true);
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

#define DISK_TEST(name) cmocka_unit_test_setup_teardown(name, fake_disk_set_up, fake_disk_tear_down)

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
		DISK_TEST(reads_are_handed_over_together),
		DISK_TEST(what_is_done_is_answered_before_more_is_copied),
		DISK_TEST(nothing_is_lost_when_backends_die),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
