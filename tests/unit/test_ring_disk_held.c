/* Disk requests of a guest whose output is held: what is noted, and what waits for whom. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/backend/disk_queue.c replication/backend/disk_marks.c replication/backend/marks.c replication/marks/marks_file.c replication/backend/block_parse.c replication/backend/ring.c replication/backend/guest_lock.c replication/backend/output.c replication/hold/record_log.c common/log.c tests/unit/fake_disk.c common/exempt.c */
/* libs: -lxxhash */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "replication/hold/shared.h"
#include "tests/unit/fake_disk.h"

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

#define DISK_TEST(name) cmocka_unit_test_setup_teardown(name, fake_disk_set_up, fake_disk_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DISK_TEST(changes_are_noted_in_their_order),
		DISK_TEST(notes_stay_until_their_writes_are_done),
		DISK_TEST(a_full_log_stalls_the_disk),
		DISK_TEST(writes_under_way_are_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
