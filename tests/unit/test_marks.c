/* Marks of what a guest writes: a host that dies at any moment finds in its file whatever may have reached the disk. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/backend/marks.c replication/marks/marks_file.c common/log.c */
/* libs: -lxxhash */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "replication/backend/marks.h"

#define PAIRING 4711u
#define EXTENT  128u /* sectors */
#define EXTENTS 5000u

static char folder[] = "/tmp/remus-marks-XXXXXX";
static char path[MARKS_PATH_BYTES];
static const struct marks_disk disk = { .vm = { 1 }, .device = 51712, .sectors = EXTENT * EXTENTS };
static struct marks marks;
static struct marks_layout layout;
static uint64_t words[2 * 63];

static void reopen(void)
{
	marks_close(&marks);
	assert_int_equal(marks_open(&marks, path, &disk), 0);
}

static void sync_now(void)
{
	assert_true(marks_begin_sync(&marks));
	marks_synced(&marks, 0);
}

static int set_up(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/remus-marks-XXXXXX");
	assert_non_null(mkdtemp(folder));
	marks_path(path, folder, &disk);
	marks_layout(disk.sectors, &layout);
	memset(words, 0, sizeof(words));
	assert_int_equal(marks_make(path, &disk, PAIRING, words), 0);
	marks_init(&marks);
	reopen();
	sync_now();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	marks_close(&marks);
	unlink(path);
	return rmdir(folder);
}

static int cover(uint32_t extent, uint32_t count)
{
	return marks_cover(&marks, (uint64_t)extent * EXTENT, (uint64_t)count * EXTENT);
}

/* What the file says: how many, and whether that one is among them. */
static uint32_t in_file(uint32_t extent, bool *is_there)
{
	uint64_t pairing;
	uint32_t damaged;
	const char *why;

	memset(words, 0, sizeof(words));
	assert_int_equal(marks_read(path, &disk, &pairing, words, &damaged, &why), 0);
	assert_int_equal(damaged, 0);
	*is_there = marks_has(words, extent);
	return marks_count(&layout, words);
}

static void a_clean_extent_waits_for_a_sync(void **state)
{
	bool is_there;

	(void)state;
	assert_false(marks_begin_sync(&marks));
	assert_int_equal(cover(100, 1), MARKS_WAIT);
	assert_int_equal(cover(100, 1), MARKS_WAIT);
	assert_true(marks_begin_sync(&marks));
	assert_int_equal(in_file(100, &is_there), 1);
	assert_true(is_there);
	assert_int_equal(cover(100, 1), MARKS_WAIT);
	/* Too late for this one. */
	assert_int_equal(cover(4999, 1), MARKS_WAIT);
	assert_false(marks_begin_sync(&marks));
	marks_synced(&marks, 0);
	assert_int_equal(cover(100, 1), MARKS_SAFE);
	assert_int_equal(cover(4999, 1), MARKS_WAIT);
	sync_now();
	assert_int_equal(cover(4999, 1), MARKS_SAFE);
	assert_int_equal(in_file(4999, &is_there), 2);
	assert_true(is_there);
}

static void sectors_of_two_extents_mark_both(void **state)
{
	bool is_there;

	(void)state;
	assert_int_equal(marks_cover(&marks, 10 * EXTENT - 1, 2), MARKS_WAIT);
	sync_now();
	assert_int_equal(in_file(9, &is_there), 2);
	assert_true(is_there && marks_has(words, 10));
}

static void who_goes_on_writing_is_marked_ahead(void **state)
{
	(void)state;
	assert_int_equal(cover(10, 1), MARKS_WAIT);
	sync_now();
	assert_int_equal(cover(11, 1), MARKS_WAIT);
	sync_now();
	for (uint32_t i = 11; i < 76; i++)
		assert_int_equal(cover(i, 1), MARKS_SAFE);
	assert_int_equal(cover(76, 1), MARKS_WAIT);
	assert_int_equal(cover(EXTENTS - 2, 1), MARKS_WAIT);
	assert_int_equal(cover(EXTENTS - 1, 1), MARKS_WAIT);
}

/* What was written before the turn alone is dropped. */
static void a_turn_drops_what_was_not_written_again(void **state)
{
	bool is_there;

	(void)state;
	assert_int_equal(cover(10, 1), MARKS_WAIT);
	assert_int_equal(cover(20, 1), MARKS_WAIT);
	assert_int_equal(cover(30, 1), MARKS_WAIT);
	sync_now();
	marks_turn(&marks, 7);
	assert_int_equal(cover(20, 1), MARKS_SAFE);
	marks_doubt(&marks, 30 * EXTENT, 1);
	marks_turn(&marks, 8); /* the earlier one is not settled */
	assert_int_equal(marks.turn, 7);
	assert_int_equal(cover(40, 1), MARKS_WAIT);
	assert_true(marks_begin_sync(&marks));
	assert_int_equal(cover(50, 1), MARKS_WAIT);
	marks_settle(&marks);
	marks_synced(&marks, 0);
	assert_int_equal(in_file(10, &is_there), 4);
	assert_false(is_there);
	assert_int_equal(cover(20, 1), MARKS_SAFE);
	assert_int_equal(cover(30, 1), MARKS_SAFE);
	assert_int_equal(cover(40, 1), MARKS_SAFE);
	assert_int_equal(cover(50, 1), MARKS_WAIT);
	assert_int_equal(cover(10, 1), MARKS_WAIT);
	sync_now();
	assert_int_equal(cover(10, 1), MARKS_SAFE);
	marks_settle(&marks); /* there is no turn */
	assert_int_equal(cover(10, 1), MARKS_SAFE);
}

/* A process that is killed leaves bits that were written to the file, and perhaps not to the disk below. */
static void a_successor_syncs_first(void **state)
{
	(void)state;
	assert_int_equal(cover(10, 1), MARKS_WAIT);
	assert_true(marks_begin_sync(&marks));
	reopen();
	assert_int_equal(marks.pairing, PAIRING);
	assert_int_equal(cover(10, 1), MARKS_WAIT);
	sync_now();
	assert_int_equal(cover(10, 1), MARKS_SAFE);
}

static void no_file_no_marks(void **state)
{
	(void)state;
	unlink(path);
	reopen();
	assert_int_equal(cover(10, 1), MARKS_SAFE);
	assert_false(marks_begin_sync(&marks));
	marks_turn(&marks, 1);
	marks_settle(&marks);
}

/* Nothing is written while somebody might believe a file that knows nothing of it. */
static void a_file_of_no_use_is_given_up_first(void **state)
{
	struct marks_disk other = disk;
	uint64_t pairing;
	uint32_t damaged;
	const char *why;

	(void)state;
	other.inode = 9;
	marks_close(&marks);
	assert_int_equal(marks_open(&marks, path, &other), 0);
	assert_int_equal(cover(10, 1), MARKS_WAIT);
	assert_true(marks_begin_sync(&marks));
	assert_int_equal(cover(10, 1), MARKS_WAIT);
	marks_synced(&marks, 0);
	assert_int_equal(cover(10, 1), MARKS_SAFE);
	assert_int_equal(marks_read(path, &disk, &pairing, words, &damaged, &why), -EBADMSG);
}

static void marks_that_cannot_be_synced_are_given_up(void **state)
{
	uint64_t pairing;
	uint32_t damaged;
	const char *why;

	(void)state;
	assert_int_equal(cover(10, 1), MARKS_WAIT);
	assert_true(marks_begin_sync(&marks));
	marks_synced(&marks, -EIO);
	assert_int_equal(cover(10, 1), MARKS_WAIT);
	sync_now();
	assert_int_equal(cover(10, 1), MARKS_SAFE);
	assert_int_equal(marks_read(path, &disk, &pairing, words, &damaged, &why), -EBADMSG);
}

static void without_even_that_nothing_is_written(void **state)
{
	(void)state;
	assert_int_equal(cover(10, 1), MARKS_WAIT);
	assert_true(marks_begin_sync(&marks));
	marks_synced(&marks, -EIO);
	assert_true(marks_begin_sync(&marks));
	marks_synced(&marks, -EIO);
	assert_int_equal(cover(10, 1), MARKS_LOST);
	assert_false(marks_begin_sync(&marks));
}

/* Random writes, syncs, turns and deaths: whatever was begun since it was last settled is in the file. */
static void the_file_always_knows(void **state)
{
	enum { CLEAN, OLD, FRESH };
	static uint8_t written[EXTENTS];
	bool is_turned = false;

	(void)state;
	srand(1);
	memset(written, CLEAN, sizeof(written));
	for (unsigned int step = 0; step < 20000; step++) {
		uint32_t at = (uint32_t)rand() % (rand() % 2 ? EXTENTS : 50);
		uint32_t count = 1 + (uint32_t)rand() % 3;
		int dice = rand() % 64;

		count = at + count > EXTENTS ? 1 : count;
		if (dice < 50 && cover(at, count) == MARKS_SAFE)
			memset(written + at, FRESH, count);
		if (dice >= 50 && dice < 58 && !marks.is_syncing)
			marks_begin_sync(&marks);
		else if (dice >= 50 && dice < 60 && marks.is_syncing)
			marks_synced(&marks, 0);
		else if (dice == 60 && !marks.has_turn) {
			marks_turn(&marks, step);
			for (uint32_t i = 0; i < EXTENTS; i++)
				written[i] = written[i] == FRESH ? OLD : written[i];
			is_turned = true;
		} else if (dice == 61 && is_turned) {
			marks_settle(&marks);
			for (uint32_t i = 0; i < EXTENTS; i++)
				written[i] = written[i] == OLD ? CLEAN : written[i];
			is_turned = false;
		} else if (dice == 62 && rand() % 8 == 0) {
			reopen();
			is_turned = false;
		}
		if (step % 10 == 0) {
			bool is_there;

			in_file(0, &is_there);
			for (uint32_t i = 0; i < EXTENTS; i++)
				assert_true(written[i] == CLEAN || marks_has(words, i));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_clean_extent_waits_for_a_sync, set_up, tear_down),
		cmocka_unit_test_setup_teardown(sectors_of_two_extents_mark_both, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(who_goes_on_writing_is_marked_ahead, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(a_turn_drops_what_was_not_written_again, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(a_successor_syncs_first, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_file_no_marks, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_file_of_no_use_is_given_up_first, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(marks_that_cannot_be_synced_are_given_up, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(without_even_that_nothing_is_written, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(the_file_always_knows, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
