/* The images behind a VM's disks, as a first copy reads them. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/domain/images.c replication/marks/marks_file.c */
/* libs: -lxxhash */

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "replication/domain/images.h"

#define BLOCK   ((uint64_t)IMAGES_BLOCK_BYTES)
#define SECTORS (BLOCK / WIRE_SECTOR)

static char path[] = "/tmp/remus-image-XXXXXX";

/* A hole, a block that ends in data, written zeroes, a hole to the end, which is in mid-block. */
static int make_image(void **state)
{
	static uint8_t zeroes[IMAGES_BLOCK_BYTES];
	int fd = mkstemp(path);

	(void)state;
	assert_int_equal(ftruncate(fd, (off_t)(BLOCK * 4 + 4096)), 0);
	assert_int_equal(pwrite(fd, "data", 4, (off_t)(BLOCK * 2 - 4)), 4);
	assert_int_equal(pwrite(fd, zeroes, BLOCK, (off_t)(BLOCK * 2)), BLOCK);
	close(fd);
	return 0;
}

static int remove_image(void **state)
{
	(void)state;
	return unlink(path);
}

static void next(struct images *disks, uint64_t sector, uint64_t sectors, bool is_zero)
{
	struct disk_write block;

	assert_int_equal(images_block(disks, &block), 1);
	images_shorten(&block);
	assert_int_equal(block.sector, sector);
	assert_int_equal(block.sectors, sectors);
	assert_int_equal(block.op, is_zero ? WIRE_DISK_ZERO : WIRE_DISK_DATA);
}

static void holes_and_data_are_told_apart(void **state)
{
	struct images disks = { 0 };
	struct disk_write block;
	const char *failed;

	(void)state;
	assert_int_equal(images_add(&disks, path, 51712), 0);
	assert_int_equal(images_open(&disks, false, &failed), 0);
	for (unsigned int turn = 0; turn < 2; turn++) {
		next(&disks, 0, SECTORS, true);
		next(&disks, SECTORS, SECTORS, false);
		assert_memory_equal(disks.block + BLOCK - 4, "data", 4);
		next(&disks, 2 * SECTORS, SECTORS, true);
		next(&disks, 3 * SECTORS, SECTORS, true);
		next(&disks, 4 * SECTORS, 8, true);
		assert_int_equal(images_block(&disks, &block), 0);
		images_rewind(&disks);
	}
	images_close(&disks);
}

/* What is written behind the copy's back is seen when its block's turn comes. */
static void a_hole_that_was_filled_is_data(void **state)
{
	struct images disks = { 0 };
	const char *failed;
	int fd = open(path, O_WRONLY);

	(void)state;
	assert_int_equal(images_add(&disks, path, 51712), 0);
	assert_int_equal(images_open(&disks, false, &failed), 0);
	next(&disks, 0, SECTORS, true);
	next(&disks, SECTORS, SECTORS, false);
	next(&disks, 2 * SECTORS, SECTORS, true);
	assert_int_equal(pwrite(fd, "more", 4, (off_t)(BLOCK * 3 + 17)), 4);
	next(&disks, 3 * SECTORS, SECTORS, false);
	assert_memory_equal(disks.block + 17, "more", 4);
	close(fd);
	images_close(&disks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holes_and_data_are_told_apart),
		cmocka_unit_test(a_hole_that_was_filled_is_data),
	};

	return cmocka_run_group_tests(tests, make_image, remove_image);
}
