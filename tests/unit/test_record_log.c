/* A log of records in shared memory: order, bounds, wrapping, and writers that die. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/hold/record_log.c */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "replication/hold/record_log.h"

#define BYTES 1024u

static _Alignas(64) uint8_t memory[BYTES];
static struct record_log record_log;

static int set_up(void **state)
{
	memset(memory, 0xa5, sizeof(memory));
	return record_log_open(&record_log, memory, sizeof(memory), false);
}

static bool put(uint64_t epoch, size_t length, uint8_t value)
{
	void *room = record_log_reserve(&record_log, 1, epoch, length);

	if (!room)
		return false;
	memset(room, value, length);
	record_log_publish(&record_log);
	return true;
}

static void records_keep_their_order_through_many_wraps(void **state)
{
	uint8_t written = 0, read = 0;
	uint64_t position = 0;

	srand(3);
	for (int step = 0; step < 20000; step++) {
		const struct record *record;

		if (rand() % 2) {
			written += put(written, (size_t)(rand() % 200), written);
			continue;
		}
		record = record_log_next(&record_log, &position, record_log_tail(&record_log));
		if (!record) {
			assert_int_equal(read, written);
			continue;
		}
		assert_int_equal(record->epoch, read);
		for (uint32_t i = 0; i < record->length; i++)
			assert_int_equal(record->payload[i], read);
		record_log_drop(&record_log, position);
		read++;
	}
}

static void it_is_bounded(void **state)
{
	unsigned int count = 0;
	uint64_t position = 0;

	while (put(1, 100, 1))
		count++;
	assert_true(count > 5 && count < 10);
	assert_false(put(1, BYTES, 1));
	assert_non_null(record_log_next(&record_log, &position, record_log_tail(&record_log)));
	record_log_drop(&record_log, position);
	assert_true(put(1, 100, 1));
}

static void what_was_not_published_is_not_there(void **state)
{
	struct record_log successor;
	uint64_t position = 0;

	assert_true(put(1, 10, 7));
	assert_non_null(record_log_reserve(&record_log, 1, 2, 10));
	assert_int_equal(record_log_open(&successor, memory, sizeof(memory), true), 0);
	assert_non_null(record_log_next(&successor, &position, record_log_tail(&successor)));
	assert_null(record_log_next(&successor, &position, record_log_tail(&successor)));
	record_log_abandon(&record_log);
	assert_true(put(3, 10, 8));
	assert_int_equal(record_log_next(&successor, &position, record_log_tail(&successor))->epoch,
	                 3);
}

static void what_is_no_log_is_refused(void **state)
{
	struct record_log other;

	assert_true(put(1, 100, 7) && put(2, 100, 7));
	assert_int_equal(record_log_open(&other, memory, sizeof(memory) - 64, true), -EINVAL);
	((struct record *)(void *)record_log.page->bytes)->bytes = 4096;
	assert_int_equal(record_log_open(&other, memory, sizeof(memory), true), -EINVAL);
	((struct record *)(void *)record_log.page->bytes)->bytes = 0;
	assert_int_equal(record_log_open(&other, memory, sizeof(memory), true), -EINVAL);
	memset(memory, 0, sizeof(memory));
	assert_int_equal(record_log_open(&other, memory, sizeof(memory), true), -EINVAL);
}

#define LOG_TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOG_TEST(records_keep_their_order_through_many_wraps),
		LOG_TEST(it_is_bounded),
		LOG_TEST(what_was_not_published_is_not_there),
		LOG_TEST(what_is_no_log_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
