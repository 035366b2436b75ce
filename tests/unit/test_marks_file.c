/* Files of marks: what was put there is found again, and what is not sure counts as marked or as no file. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/marks/marks_file.c */
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

#include "replication/marks/marks_file.h"

#define PAIRING   UINT64_C(0x1234567890abcdef)
#define PER_BLOCK (63u * 64u)

static char folder[] = "/tmp/remus-marks-XXXXXX";
static char path[MARKS_PATH_BYTES];
static const struct marks_disk disk = {
	.vm = { 0xab, 1, [15] = 0xcd }, .device = 51712, .sectors = 8192ull * 128 - 1, .inode = 77
};
static struct marks_layout layout;
static uint64_t words[3 * 63];

static int set_up(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/remus-marks-XXXXXX");
	assert_non_null(mkdtemp(folder));
	marks_path(path, folder, &disk);
	assert_int_equal(marks_layout(disk.sectors, &layout), 0);
	assert_int_equal(layout.words, sizeof(words) / sizeof(words[0]));
	memset(words, 0, sizeof(words));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

static int read_back(const struct marks_disk *of, uint32_t *damaged, const char **why)
{
	uint64_t pairing = 0;
	int err;

	memset(words, 0, sizeof(words));
	err = marks_read(path, of, &pairing, words, damaged, why);
	assert_int_equal(pairing, err ? 0 : PAIRING);
	return err;
}

static int fault(const struct marks_disk *of)
{
	uint32_t damaged;
	const char *why;

	return read_back(of, &damaged, &why);
}

static void make(void)
{
	assert_int_equal(marks_make(path, &disk, PAIRING, words), 0);
}

static void layouts_cover_the_disk(void **state)
{
	static const struct {
		uint64_t sectors;
		unsigned int shift;
		uint32_t extents;
	} disks[] = { { 1, 16, 1 },
		      { 128, 16, 1 },
		      { 129, 16, 2 },
		      { 128ull << 20, 16, 1u << 20 },
		      { (128ull << 20) + 1, 17, (1u << 19) + 1 },
		      { INT64_MAX / 512, 43, 1u << 20 } };
	struct marks_layout is;
	uint32_t first, count;

	(void)state;
	for (size_t i = 0; i < sizeof(disks) / sizeof(disks[0]); i++) {
		assert_int_equal(marks_layout(disks[i].sectors, &is), 0);
		assert_int_equal(is.shift, disks[i].shift);
		assert_int_equal(is.extents, disks[i].extents);
		assert_true(is.words * 64ull >= is.extents);
		marks_extents(&is, 0, disks[i].sectors, &first, &count);
		assert_int_equal(first, 0);
		assert_int_equal(count, is.extents);
		marks_extents(&is, disks[i].sectors - 1, 1, &first, &count);
		assert_int_equal(first, is.extents - 1);
		assert_int_equal(count, 1);
	}
	assert_int_equal(marks_layout(0, &is), -EINVAL);
	assert_int_equal(marks_layout(UINT64_MAX, &is), -EINVAL);
}

static void marks_are_found_again(void **state)
{
	uint64_t before[3 * 63];
	uint32_t damaged;
	const char *why;

	(void)state;
	marks_put(words, 0);
	marks_put(words, 63);
	marks_put(words, PER_BLOCK);
	marks_put(words, layout.extents - 1);
	memcpy(before, words, sizeof(words));
	make();
	assert_int_equal(read_back(&disk, &damaged, &why), 0);
	assert_int_equal(damaged, 0);
	assert_memory_equal(words, before, sizeof(words));
	assert_int_equal(marks_count(&layout, words), 4);
	assert_true(marks_has(words, 63) && !marks_has(words, 64));
	assert_int_equal(marks_remove(path), 0);
	assert_int_equal(marks_remove(path), 0);
	assert_int_equal(fault(&disk), -ENOENT);
}

static void what_is_read_is_added(void **state)
{
	uint64_t pairing;
	uint32_t damaged;
	const char *why;

	(void)state;
	marks_put(words, 5);
	make();
	memset(words, 0, sizeof(words));
	marks_put(words, 9);
	assert_int_equal(marks_read(path, &disk, &pairing, words, &damaged, &why), 0);
	assert_int_equal(marks_count(&layout, words), 2);
}

/* A new image, a resized one, another VM's file: none of them can be told from its marks. */
static void another_disk_has_no_marks(void **state)
{
	struct marks_disk other;

	(void)state;
	make();
	other = disk;
	other.inode++;
	assert_int_equal(fault(&other), -EBADMSG);
	other = disk;
	other.sectors++;
	assert_int_equal(fault(&other), -EBADMSG);
	other = disk;
	other.vm[3]++;
	assert_int_equal(fault(&other), -EBADMSG);
	other = disk;
	other.device++;
	assert_int_equal(fault(&other), -EBADMSG);
	assert_int_equal(fault(&disk), 0);
}

static void flip(off_t at)
{
	int fd = open(path, O_RDWR);
	uint8_t byte;

	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 0x10;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

/* Each bit of what says whose it is; and a block of marks alone counts as all marked. */
static void damage_is_noticed(void **state)
{
	uint32_t damaged;
	const char *why;

	(void)state;
	make();
	for (off_t at = 0; at < 72; at++) {
		flip(at);
		assert_int_equal(fault(&disk), -EBADMSG);
		flip(at);
	}
	for (off_t at = 0; at < 512; at += 37) {
		flip(MARKS_HEADER_BYTES + 512 + at);
		assert_int_equal(read_back(&disk, &damaged, &why), 0);
		assert_int_equal(damaged, 1);
		assert_int_equal(marks_count(&layout, words), PER_BLOCK);
		assert_true(!marks_has(words, PER_BLOCK - 1) && marks_has(words, PER_BLOCK) &&
		            marks_has(words, 2 * PER_BLOCK - 1) &&
		            !marks_has(words, 2 * PER_BLOCK));
		flip(MARKS_HEADER_BYTES + 512 + at);
	}
	flip(MARKS_HEADER_BYTES + 2 * 512 + 100);
	assert_int_equal(read_back(&disk, &damaged, &why), 0);
	assert_int_equal(marks_count(&layout, words), layout.extents - 2 * PER_BLOCK);
}

static void a_file_that_is_cut_off_is_none(void **state)
{
	static const off_t ends[] = { 0, 1, 71, 72, 4095, 4096, 4096 + 511, 4096 + 3 * 512 - 1 };

	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		make();
		assert_int_equal(truncate(path, ends[i]), 0);
		assert_int_equal(fault(&disk), -EBADMSG);
	}
}

static void a_block_is_stored_in_place(void **state)
{
	uint32_t damaged;
	const char *why;
	int fd;

	(void)state;
	make();
	marks_put(words, 2 * PER_BLOCK + 3);
	fd = open(path, O_RDWR);
	assert_int_equal(marks_store(fd, PAIRING, words, 2), 0);
	assert_int_equal(read_back(&disk, &damaged, &why), 0);
	assert_int_equal(damaged, 0);
	assert_int_equal(marks_count(&layout, words), 1);
	/* Of another pairing, or in another's place: its sum does not hold. */
	assert_int_equal(marks_store(fd, PAIRING + 1, words, 0), 0);
	assert_int_equal(read_back(&disk, &damaged, &why), 0);
	assert_int_equal(damaged, 1);
	assert_int_equal(marks_void(fd), 0);
	assert_int_equal(fault(&disk), -EBADMSG);
	close(fd);
}

static void a_new_file_needs_its_folder(void **state)
{
	char elsewhere[MARKS_PATH_BYTES];

	(void)state;
	marks_path(elsewhere, "/tmp/remus-marks-nowhere", &disk);
	assert_int_equal(marks_make(elsewhere, &disk, PAIRING, words), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(layouts_cover_the_disk, set_up, tear_down),
		cmocka_unit_test_setup_teardown(marks_are_found_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_read_is_added, set_up, tear_down),
		cmocka_unit_test_setup_teardown(another_disk_has_no_marks, set_up, tear_down),
		cmocka_unit_test_setup_teardown(damage_is_noticed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_file_that_is_cut_off_is_none, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_block_is_stored_in_place, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_new_file_needs_its_folder, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
