/* Held output when holders and workers die, or the first of them comes late. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/backend/output.c replication/backend/held.c replication/hold/record_log.c common/log.c tests/unit/held_worker.c common/exempt.c */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/held_worker.h"

static void a_lease_outlives_the_worker(void **state)
{
	ask(DOOR_TAKE, 1);
	ask(DOOR_HOLD, 0);
	ask(DOOR_LEASE, 1);
	send_frame(0);
	boundary(1);
	worker_kill();
	worker_start();
	ask(DOOR_TAKE, 2);
	ask(DOOR_RELEASE, 1);
	assert_left(0);
	assert_int_equal(ask(DOOR_FREE, 0), DOOR_FREED);
	assert_left(1);
}

/* A VM that was taken over: its first worker holds before anybody has come. */
static void a_worker_is_prepared_to_hold(void **state)
{
	assert_false(output_is_prepared(7));
	assert_int_equal(output_prepare(7), 0);
	assert_true(output_is_prepared(7));
	worker_start();
	assert_true(output_is_held(&output));
	send_frame(0);
	assert_true(write_disk(8, 512));
	ask(DOOR_TAKE, 5);
	boundary(5);
	ask(DOOR_RELEASE, 5);
	assert_left(0);
	ask(DOOR_FREE, 0);
	assert_left(1);
	assert_false(output_is_prepared(7));
}

static void a_dead_holder_leaves_everything_to_the_next(void **state)
{
	ask(DOOR_TAKE, 1);
	ask(DOOR_HOLD, 0);
	send_frame(0);
	assert_true(write_disk(8, 512));
	boundary(1);
	send_frame(1);
	ask(DOOR_STOP, 2);
	gone_on = 0;
	output_holder_gone(&output);
	assert_int_equal(gone_on, 1); /* the guest goes on, held */
	send_frame(2);
	assert_true(write_disk(16, 512));
	assert_left(0);
	assert_int_equal(refused(DOOR_RELEASE, 2), -EPERM);
	assert_int_equal(ask(DOOR_TAKE, 1), DOOR_TAKEN);
	assert_int_equal(answers[0].flags, DOOR_IS_HOLDING);
	assert_int_equal(answers[0].epoch, 3);
	assert_true(answers[0].log_tail > answers[0].log_head);
	boundary(3);
	assert_left(0);
	ask(DOOR_RELEASE, 3);
	assert_left(3);
}

static void a_holder_that_dies_before_it_holds_leaves_nothing(void **state)
{
	ask(DOOR_TAKE, 1);
	assert_true(write_disk(8, 512));
	output_holder_gone(&output);
	assert_false(output_is_noting(&output));
	send_frame(0);
	assert_left(1);
}

static void a_successor_takes_up_what_is_held(void **state)
{
	ask(DOOR_TAKE, 4);
	ask(DOOR_HOLD, 0);
	for (uint32_t i = 0; i < 50; i++)
		send_frame(i);
	assert_true(write_disk(8, 4096));
	boundary(4);
	worker_kill();
	worker_start();
	send_frame(50);
	assert_left(0); /* without a holder */
	assert_int_equal(held.frames, 51);
	assert_int_equal(ask(DOOR_TAKE, 1), DOOR_TAKEN);
	assert_int_equal(answers[0].flags, DOOR_IS_HOLDING);
	assert_int_equal(answers[0].epoch, 5);
	assert_true(answers[0].log_tail > answers[0].log_head);
	ask(DOOR_RELEASE, 4);
	assert_left(50);
	boundary(5);
	ask(DOOR_RELEASE, 5);
	assert_left(51);
}

static void a_successor_of_one_that_only_noted_lets_pass(void **state)
{
	ask(DOOR_TAKE, 4);
	worker_kill();
	worker_start();
	assert_false(output_is_noting(&output));
}

static void garbage_in_shared_memory_stays_held(void **state)
{
	ask(DOOR_TAKE, 4);
	ask(DOOR_HOLD, 0);
	memset((uint8_t *)output.page + DOOR_LOG_OFFSET, 0x5a, 4096);
	worker_kill();
	worker_start();
	assert_true(output_is_held(&output));
	send_frame(0);
	assert_left(0);
	assert_int_equal(ask(DOOR_TAKE, 9), DOOR_TAKEN);
	assert_int_equal(answers[0].flags, DOOR_IS_HOLDING | DOOR_IS_LOST);
	assert_int_equal(answers[0].epoch, 9);
}

/* At each step a holder or a worker may die; whatever leaves left in order, once, and not before its release. */
static void nothing_is_lost_or_early_when_anyone_dies(void **state)
{
	uint32_t sent = 0, safe = 0; /* frames; those of released epochs */
	uint32_t ends[64] = { 0 };   /* frames sent before an epoch's marker */
	bool has_holder = false;

	srand(5);
	left_count = 0;
	ask(DOOR_TAKE, 1);
	ask(DOOR_HOLD, 0);
	has_holder = true;
	for (int step = 0; step < 3000 && sent < 4000; step++) {
		uint64_t epoch = output_epoch(&output);
		int dice = rand() % 16;

		tap_room = 4096;
		if (!has_holder) {
			assert_int_equal(ask(DOOR_TAKE, 1), DOOR_TAKEN);
			has_holder = true;
		} else if (dice < 10) {
			sent += send_frame(sent);
		} else if (dice < 12) {
			ask(DOOR_STOP, epoch);
			ends[epoch % 64] = sent;
			if (rand() % 4)
				ask(DOOR_CUT, epoch);
			else
				output_stop_expired(&output);
		} else if (dice < 13 && epoch > 1) {
			ask(DOOR_RELEASE, epoch - 1);
			safe = ends[(epoch - 1) % 64];
			assert_int_equal(left_count, safe);
		} else if (dice < 14) {
			output_holder_gone(&output);
			has_holder = false;
		} else if (dice < 15) {
			worker_kill();
			worker_start();
			has_holder = false;
		}
		assert_true(left_count <= safe);
		answer_count = 0;
	}
	assert_true(sent > 500);
	if (has_holder)
		output_holder_gone(&output);
	ask(DOOR_TAKE, 1);
	ask(DOOR_FREE, 0);
	assert_left(sent);
}

#define OUTPUT_TEST(name) cmocka_unit_test_setup_teardown(name, worker_set_up, worker_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OUTPUT_TEST(a_lease_outlives_the_worker),
		OUTPUT_TEST(a_worker_is_prepared_to_hold),
		OUTPUT_TEST(a_dead_holder_leaves_everything_to_the_next),
		OUTPUT_TEST(a_holder_that_dies_before_it_holds_leaves_nothing),
		OUTPUT_TEST(a_successor_takes_up_what_is_held),
		OUTPUT_TEST(a_successor_of_one_that_only_noted_lets_pass),
		OUTPUT_TEST(garbage_in_shared_memory_stays_held),
		OUTPUT_TEST(nothing_is_lost_or_early_when_anyone_dies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
