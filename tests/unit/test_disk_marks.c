/* A disk whose guest's writes are marked: what waits for the marks, and when they are dropped. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/backend/disk_queue.c replication/backend/disk_marks.c replication/backend/marks.c replication/marks/marks_file.c replication/backend/block_parse.c replication/backend/ring.c replication/backend/guest_lock.c replication/backend/output.c replication/hold/record_log.c replication/hold/shared.c common/log.c tests/unit/fake_disk.c common/exempt.c */
/* libs: -lxxhash */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/fake_disk.h"

#define PAIRING 77u

static char folder[] = "/tmp/remus-marks-XXXXXX";
static struct marks_disk of = { .vm = { 1 }, .device = 51712, .sectors = FAKE_SECTORS };
static char path[MARKS_PATH_BYTES];

static void make(uint64_t pairing, uint64_t word)
{
	uint64_t words[63] = { word };

	assert_int_equal(marks_make(path, &of, pairing, words), 0);
}

/* A disk has one extent here: whether the file has it marked. -1: there is no such file. */
static int is_marked(void)
{
	uint64_t words[63] = { 0 };
	uint64_t pairing;
	uint32_t damaged;
	const char *why;

	if (marks_read(path, &of, &pairing, words, &damaged, &why))
		return -1;
	assert_int_equal(words[0] & ~1ull, 0);
	return (int)words[0];
}

static void connect_disk(void)
{
	disk->marks.of.device = of.device;
	memcpy(disk->marks.of.vm, of.vm, sizeof(of.vm));
	assert_int_equal(disk_marks_open(disk, true, folder), 0);
}

static int set_up(void **state)
{
	int fd;

	strcpy(folder, "/tmp/remus-marks-XXXXXX");
	assert_non_null(mkdtemp(folder));
	fd = memfd_create("image", 0);
	of.inode = 0;
	fake_disk_set_up(state);
	disk->image.fd = fd;
	marks_path(path, folder, &of);
	return 0;
}

/* The image is a file: it has an inode. */
static void know_image(void)
{
	struct stat status;

	assert_int_equal(fstat(disk->image.fd, &status), 0);
	of.inode = status.st_ino;
}

static int tear_down(void **state)
{
	close(disk->image.fd);
	fake_disk_tear_down(state);
	unlink(path);
	return rmdir(folder);
}

static void end_all(void)
{
	do {
		while (job_count)
			complete(0, true);
		assert_true(disk_serve(disk));
	} while (job_count);
}

static void start_marked(void)
{
	know_image();
	make(PAIRING, 0);
	connect_disk();
	end_all();
}

static void a_write_waits_until_it_is_known(void **state)
{
	start_marked();
	assert_int_equal(is_marked(), 0);
	put(BLKIF_OP_WRITE, 0, 8, 0);
	put(BLKIF_OP_READ, 16, 8, 1);
	put(BLKIF_OP_DISCARD, 32, 8, 0);
	assert_true(disk_serve(disk));
	/* The read and the sync. */
	assert_int_equal(job_count, 2);
	assert_int_equal(jobs[0]->code, IORING_OP_READ);
	assert_int_equal(jobs[1]->code, IORING_OP_FSYNC);
	assert_int_equal(is_marked(), 1);
	complete(0, true);
	assert_true(disk_serve(disk));
	assert_int_equal(job_count, 1);
	complete(0, true);
	assert_true(disk_serve(disk));
	assert_int_equal(job_count, 2);
	assert_int_equal(jobs[0]->code, IORING_OP_WRITE);
	assert_int_equal(jobs[1]->code, IORING_OP_FALLOCATE);
	end_all();
	assert_int_equal(sring->rsp_prod, 3);
	/* From now on none waits. */
	put(BLKIF_OP_WRITE, 0, 8, 0);
	assert_true(disk_serve(disk));
	assert_int_equal(job_count, 1);
	assert_int_equal(jobs[0]->code, IORING_OP_WRITE);
	end_all();
}

static void without_a_file_nothing_waits(void **state)
{
	connect_disk();
	put(BLKIF_OP_WRITE, 0, 8, 0);
	assert_true(disk_serve(disk));
	assert_int_equal(job_count, 1);
	assert_int_equal(jobs[0]->code, IORING_OP_WRITE);
	end_all();
	assert_int_equal(disk_marks_tell(disk, DOOR_CUT, 3), 0);
	assert_int_equal(disk_marks_tell(disk, DOOR_COMMITTED, 3), 0);
	assert_int_equal(disk_marks_tell(disk, DOOR_PAIR, PAIRING), -ENOENT);
	assert_int_equal(job_count, 0);
}

static void one_that_cannot_be_marked_is_refused(void **state)
{
	start_marked();
	put(BLKIF_OP_WRITE, 0, 8, 0);
	assert_true(disk_serve(disk));
	jobs[0]->done(jobs[--job_count], -EIO); /* the sync, and then that the file is given up */
	assert_int_equal(job_count, 1);
	jobs[0]->done(jobs[--job_count], -EIO);
	assert_true(disk_serve(disk));
	assert_int_equal(sring->rsp_prod, 1);
	assert_int_equal(response(0)->status, BLKIF_RSP_ERROR);
}

static void marks_go_when_both_have_it(void **state)
{
	start_marked();
	put(BLKIF_OP_WRITE, 0, 8, 0);
	end_all();
	assert_int_equal(disk_marks_tell(disk, DOOR_COMMITTED, 9), 0); /* before a turn */
	assert_int_equal(job_count, 0);
	assert_int_equal(disk_marks_tell(disk, DOOR_CUT, 9), 0);
	assert_int_equal(disk_marks_tell(disk, DOOR_COMMITTED, 8), 0);
	assert_int_equal(job_count, 0);
	assert_int_equal(disk_marks_tell(disk, DOOR_COMMITTED, 9), 0);
	/* The image's own copy of it is made durable first. */
	assert_int_equal(job_count, 1);
	assert_int_equal(jobs[0]->code, IORING_OP_FSYNC);
	assert_int_equal(is_marked(), 1);
	complete(0, true);
	assert_int_equal(is_marked(), 0);
}

static void a_write_under_way_keeps_them(void **state)
{
	start_marked();
	put(BLKIF_OP_WRITE, 0, 8, 0);
	assert_true(disk_serve(disk));
	complete(0, true);
	assert_true(disk_serve(disk));
	assert_int_equal(job_count, 1);
	disk_marks_tell(disk, DOOR_CUT, 9);
	disk_marks_tell(disk, DOOR_COMMITTED, 9);
	assert_int_equal(job_count, 1);
	complete(0, true); /* the write */
	assert_int_equal(job_count, 1);
	assert_int_equal(jobs[0]->code, IORING_OP_FSYNC);
	complete(0, true);
	assert_int_equal(is_marked(), 0);
	assert_true(disk_serve(disk));
}

static void a_write_that_fails_keeps_them(void **state)
{
	start_marked();
	put(BLKIF_OP_WRITE, 0, 8, 0);
	assert_true(disk_serve(disk));
	complete(0, true);
	assert_true(disk_serve(disk));
	disk_marks_tell(disk, DOOR_CUT, 9);
	disk_marks_tell(disk, DOOR_COMMITTED, 9);
	jobs[0]->done(jobs[--job_count], -EIO);
	end_all();
	assert_int_equal(response(0)->status, BLKIF_RSP_ERROR);
	assert_int_equal(is_marked(), 1);
}

static void a_flush_that_fails_keeps_them(void **state)
{
	start_marked();
	put(BLKIF_OP_WRITE, 0, 8, 0);
	end_all();
	disk_marks_tell(disk, DOOR_CUT, 9);
	disk_marks_tell(disk, DOOR_COMMITTED, 9);
	jobs[0]->done(jobs[--job_count], -EIO);
	assert_int_equal(is_marked(), 1);
	disk_marks_tell(disk, DOOR_COMMITTED, 10);
	complete(0, true);
	assert_int_equal(is_marked(), 0);
}

/* While the image is flushed the primary begins a pairing anew: what the old one allowed counts no more. */
static void a_new_pairing_forgets_the_old(void **state)
{
	start_marked();
	put(BLKIF_OP_WRITE, 0, 8, 0);
	end_all();
	disk_marks_tell(disk, DOOR_CUT, 9);
	disk_marks_tell(disk, DOOR_COMMITTED, 9);
	assert_int_equal(job_count, 1);
	make(PAIRING + 1, 1);
	assert_int_equal(disk_marks_tell(disk, DOOR_PAIR, PAIRING + 1), 0);
	end_all();
	assert_int_equal(is_marked(), 1);
	disk_marks_tell(disk, DOOR_CUT, 10);
	disk_marks_tell(disk, DOOR_COMMITTED, 10);
	end_all();
	assert_int_equal(is_marked(), 0);
	assert_int_equal(disk_marks_tell(disk, DOOR_PAIR, PAIRING), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_write_waits_until_it_is_known, set_up, tear_down),
		cmocka_unit_test_setup_teardown(without_a_file_nothing_waits, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_that_cannot_be_marked_is_refused, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(marks_go_when_both_have_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_write_under_way_keeps_them, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_write_that_fails_keeps_them, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_flush_that_fails_keeps_them, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_new_pairing_forgets_the_old, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
