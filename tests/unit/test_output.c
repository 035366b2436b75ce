/* The rules of held output: who may hold it, and what leaves when. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/backend/output.c replication/backend/held.c replication/hold/record_log.c common/log.c tests/unit/held_worker.c common/exempt.c */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "tests/unit/held_worker.h"

static void output_passes_until_it_is_held(void **state)
{
	send_frame(0);
	assert_left(1);
	assert_int_equal(ask(DOOR_TAKE, 5), DOOR_TAKEN);
	assert_int_equal(answers[0].epoch, 5);
	assert_int_equal(answers[0].flags, 0);
	send_frame(1);
	boundary(5);
	assert_left(2);
	assert_int_equal(ask(DOOR_HOLD, 0), DOOR_HELD);
	send_frame(2);
	assert_left(2);
	assert_int_equal(answers[answer_count - 1].kind, DOOR_WANTED);
	assert_int_equal(answers[answer_count - 1].epoch, 6);
}

static void frames_leave_with_their_epoch(void **state)
{
	ask(DOOR_TAKE, 1);
	ask(DOOR_HOLD, 0);
	for (uint32_t epoch = 1; epoch <= 4; epoch++) {
		send_frame(2 * epoch - 2);
		assert_int_equal(ask(DOOR_STOP, epoch), DOOR_STOPPED);
		send_frame(2 * epoch - 1); /* after the marker: of the next */
		assert_int_equal(ask(DOOR_CUT, epoch), DOOR_DONE);
	}
	assert_left(0);
	ask(DOOR_RELEASE, 1);
	assert_left(1);
	ask(DOOR_RELEASE, 1);
	assert_left(1);
	ask(DOOR_RELEASE, 3);
	assert_left(5);
	assert_int_equal(refused(DOOR_RELEASE, 5), -EINVAL); /* it is open */
	assert_left(5);
	ask(DOOR_RELEASE, 4);
	assert_left(7);
}

static void what_is_held_is_told(void **state)
{
	ask(DOOR_TAKE, 1);
	ask(DOOR_HOLD, 0);
	assert_int_equal(ask(DOOR_STOP, 1), DOOR_STOPPED);
	assert_int_equal(answers[0].flags, 0);
	assert_int_equal(answers[0].frames, 0);
	ask(DOOR_CUT, 1);
	for (uint32_t i = 0; i < 100; i++)
		send_frame(i);
	assert_int_equal(ask(DOOR_STOP, 2), DOOR_STOPPED);
	assert_in_range(answers[0].flags, 100 * 60 / 1024, 100 * 120 / 1024); /* KiB */
	assert_int_equal(answers[0].frames, 100);
	ask(DOOR_CUT, 2);
	send_frame(100);
	ask(DOOR_RELEASE, 2);
	assert_int_equal(ask(DOOR_STOP, 3), DOOR_STOPPED);
	assert_int_equal(answers[0].frames, 1);
	ask(DOOR_CUT, 3);
	ask(DOOR_RELEASE, 3);
	assert_int_equal(ask(DOOR_STOP, 4), DOOR_STOPPED);
	assert_int_equal(answers[0].flags, 0);
	assert_int_equal(answers[0].frames, 0);
}

static void a_full_tap_delays_and_loses_nothing(void **state)
{
	ask(DOOR_TAKE, 1);
	ask(DOOR_HOLD, 0);
	for (uint32_t i = 0; i < 100; i++)
		send_frame(i);
	boundary(1);
	tap_room = 30;
	ask(DOOR_RELEASE, 1);
	assert_left(30);
	tap_room = 1000;
	held_release(&held, output_released(&output), output_lease(&output), 0);
	assert_left(100);
}

static uint64_t boot_time(void)
{
	struct timespec time;

	clock_gettime(CLOCK_BOOTTIME, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

#define LATER 1000000000000u

static void nothing_leaves_after_the_lease(void **state)
{
	ask(DOOR_TAKE, 1);
	assert_int_equal(ask(DOOR_LEASE, 0), DOOR_LEASED);
	send_frame(0);
	assert_left(1); /* it is not held yet */
	ask(DOOR_HOLD, 0);
	send_frame(1);
	boundary(1);
	ask(DOOR_RELEASE, 1);
	assert_left(1);
	assert_int_equal(ask(DOOR_LEASE, boot_time() - 1), DOOR_LEASED);
	assert_left(1);
	assert_int_equal(ask(DOOR_LEASE, boot_time() + LATER), DOOR_LEASED);
	assert_left(2);
	send_frame(2);
	boundary(2);
	ask(DOOR_LEASE, 0); /* taken back */
	ask(DOOR_RELEASE, 2);
	assert_left(2);
	/* A lease frees nothing that was not released. */
	send_frame(3);
	ask(DOOR_LEASE, boot_time() + LATER);
	assert_left(3);
}

static const uint8_t arp[60] = { [12] = 0x08, [13] = 0x06 };
static const uint8_t lldp[60] = { [12] = 0x88, [13] = 0xcc };
static const struct exempt only_arp = { .types = { 0x0806 } };

static bool is_exempt(const uint8_t frame[60])
{
	return output_is_exempt(&output, frame, 60);
}

static void frames_are_exempt_by_their_type(void **state)
{
	const struct exempt both = { .types = { 0x88cc, 0x0806 } }, none = { .types = { 0 } };

	assert_int_equal(ask_exempt(&only_arp), DOOR_REFUSED); /* of nobody */
	ask(DOOR_TAKE, 1);
	assert_int_equal(ask_exempt(&only_arp), DOOR_EXEMPTED);
	assert_false(is_exempt(arp)); /* nothing is held yet */
	ask(DOOR_HOLD, 0);
	assert_true(is_exempt(arp));
	assert_false(is_exempt(lldp));
	assert_int_equal(ask_exempt(&both), DOOR_EXEMPTED);
	assert_true(is_exempt(arp) && is_exempt(lldp));
	/* The next worker knows, and so does the next holder. */
	worker_kill();
	worker_start();
	assert_true(is_exempt(arp) && is_exempt(lldp));
	assert_int_equal(ask(DOOR_TAKE, 1), DOOR_TAKEN);
	assert_int_equal(ask_exempt(&none), DOOR_EXEMPTED);
	assert_false(is_exempt(arp) || is_exempt(lldp));
	ask_exempt(&both);
	ask(DOOR_FREE, 0);
	assert_false(is_exempt(arp));
	ask(DOOR_TAKE, 1);
	ask(DOOR_HOLD, 0);
	assert_false(is_exempt(arp));
}

static void what_may_not_be_exempt_is_refused(void **state)
{
	static const struct exempt wrong[] = {
		{ .types = { 0x0800 } },         { .types = { 0x0806, 0x86dd } },
		{ .types = { 0x8100 } },         { .types = { 0x88a8 } },
		{ .types = { 0, 0x0806 } },      { .types = { 0x0806, 0x0806 } },
		{ .types = { 0x0806, 0x05dc } }, { .types = { [EXEMPT_MAX - 1] = 0x88cc } },
	};

	ask(DOOR_TAKE, 1);
	ask(DOOR_HOLD, 0);
	assert_int_equal(ask_exempt(&only_arp), DOOR_EXEMPTED);
	for (unsigned int i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(ask_exempt(&wrong[i]), DOOR_REFUSED);
		assert_int_equal(answers[0].error, -EINVAL);
		assert_int_equal(answers[0].flags, DOOR_EXEMPT);
		assert_true(is_exempt(arp));
		assert_false(is_exempt(lldp));
	}
	ask(DOOR_STOP, 1);
	assert_int_equal(refused(DOOR_EXEMPT, 0), -EBUSY);
	assert_true(is_exempt(arp));
}

static void what_is_wanted_is_said_once_an_epoch(void **state)
{
	ask(DOOR_TAKE, 1);
	ask(DOOR_HOLD, 0);
	answer_count = 0;
	send_frame(0);
	send_frame(1);
	assert_int_equal(answer_count, 1);
	boundary(1);
	answer_count = 0;
	send_frame(2);
	assert_int_equal(answer_count, 1);
	assert_int_equal(answers[0].epoch, 2);
}

static void frames_are_bounded(void **state)
{
	uint32_t count = 0;

	ask(DOOR_TAKE, 1);
	ask(DOOR_HOLD, 0);
	while (send_frame(count % 4096))
		count++;
	assert_true(count > 50000 && count < HELD_BYTES / 60);
	boundary(1);
	left_count = 0;
	tap_room = 10;
	ask(DOOR_RELEASE, 1);
	assert_true(send_frame(0));
}

static void disk_writes_are_noted_with_their_epoch(void **state)
{
	uint64_t position, end;
	const struct record *record;

	ask(DOOR_TAKE, 1);
	assert_true(write_disk(8, 4096) && write_disk(16, 512));
	boundary(1);
	position = answers[0].log_head;
	end = answers[0].log_tail;
	assert_true(write_disk(24, 512));
	for (unsigned int i = 0; i < 2; i++) {
		record = record_log_next(&output.log, &position, end);
		assert_int_equal(record->kind, NOTE_WRITE);
		assert_int_equal(record->epoch, 1);
		assert_int_equal(((const struct door_write *)record->payload)->sector, 8 + 8 * i);
	}
	assert_null(record_log_next(&output.log, &position, end));
	boundary(2);
	ask(DOOR_RELEASE, 1);
	position = record_log_head(&output.log);
	record = record_log_next(&output.log, &position, record_log_tail(&output.log));
	assert_int_equal(record->epoch, 2);
	ask(DOOR_RELEASE, 2);
	assert_true(record_log_is_empty(&output.log));
}

static void forgotten_notes_keep_their_frames(void **state)
{
	ask(DOOR_TAKE, 1);
	ask(DOOR_HOLD, 0);
	assert_true(write_disk(8, 4096));
	send_frame(0);
	assert_int_equal(refused(DOOR_FORGET, 1), -EINVAL);
	boundary(1);
	assert_int_equal(ask(DOOR_FORGET, 1), 0);
	assert_true(record_log_is_empty(&output.log));
	assert_left(0);
	ask(DOOR_RELEASE, 1);
	assert_left(1);
}

/* Who copies the image has to find what the kernel has not written yet (I2). */
static void notes_of_writes_under_way_are_kept(void **state)
{
	ask(DOOR_TAKE, 1);
	assert_true(write_disk(8, 512));
	oldest_under_way = output_note_position(&output);
	assert_true(write_disk(16, 512));
	assert_true(write_disk(24, 512));
	boundary(1);
	ask(DOOR_FORGET, 1);
	assert_int_equal(record_log_head(&output.log), oldest_under_way);
	oldest_under_way = UINT64_MAX;
	boundary(2);
	ask(DOOR_RELEASE, 2);
	assert_true(record_log_is_empty(&output.log));
}

static void notes_are_bounded(void **state)
{
	unsigned int count = 0;

	ask(DOOR_TAKE, 1);
	answer_count = 0;
	while (write_disk(count, 1 << 20))
		count++;
	assert_int_equal(count, (DOOR_LOG_BYTES >> 20) - 1);
	assert_int_equal(answers[0].kind, DOOR_WANTED);
	boundary(1);
	assert_false(write_disk(0, 1 << 20));
	gone_on = 0;
	ask(DOOR_RELEASE, 1);
	assert_int_equal(gone_on, 1);
	assert_true(write_disk(0, 1 << 20));
}

static void taking_waits_for_writes_that_were_not_noted(void **state)
{
	is_unnoted = true;
	assert_int_equal(ask(DOOR_TAKE, 1), 0);
	assert_true(output_is_noting(&output));
	assert_int_equal(refused(DOOR_STOP, 1), -EBUSY);
	answer_count = 0;
	output_settled(&output);
	assert_int_equal(answer_count, 0);
	is_unnoted = false;
	output_settled(&output);
	assert_int_equal(answers[0].kind, DOOR_TAKEN);
	output_settled(&output);
	assert_int_equal(answer_count, 1);
}

static void only_what_makes_sense_is_done(void **state)
{
	assert_int_equal(refused(DOOR_HOLD, 0), -EPERM);
	assert_int_equal(refused(DOOR_RELEASE, 0), -EPERM);
	ask(DOOR_TAKE, 3);
	assert_int_equal(refused(DOOR_TAKE, 3), -EBUSY);
	assert_int_equal(refused(DOOR_STOP, 2), -EINVAL);
	assert_int_equal(refused(DOOR_CUT, 3), -EINVAL);
	assert_int_equal(refused(77, 3), -ENOSYS);
	ask(DOOR_STOP, 3);
	assert_int_equal(refused(DOOR_STOP, 4), -EBUSY);
	assert_int_equal(refused(DOOR_HOLD, 4), -EBUSY);
	assert_int_equal(ask(DOOR_CUT, 3), DOOR_DONE);
}

static void no_memory_is_said(void **state)
{
	is_memory_short = true;
	assert_int_equal(refused(DOOR_TAKE, 1), -ENOSPC);
	assert_false(output_is_noting(&output));
	is_memory_short = false;
	assert_int_equal(ask(DOOR_TAKE, 1), DOOR_TAKEN);
	is_memory_short = true;
	assert_int_equal(refused(DOOR_HOLD, 1), -ENOSPC);
	send_frame(0);
	assert_left(1);
}

static void a_capture_that_takes_too_long_does_not_count(void **state)
{
	ask(DOOR_TAKE, 1);
	ask(DOOR_HOLD, 0);
	ask(DOOR_STOP, 1);
	gone_on = 0;
	output_stop_expired(&output);
	assert_int_equal(gone_on, 1);
	send_frame(0);
	assert_int_equal(refused(DOOR_CUT, 1), -ETIME);
	boundary(2);
	ask(DOOR_RELEASE, 2);
	assert_left(1);
}

static void freed_output_leaves(void **state)
{
	ask(DOOR_TAKE, 1);
	ask(DOOR_HOLD, 0);
	for (uint32_t i = 0; i < 20; i++)
		send_frame(i);
	assert_int_equal(ask(DOOR_FREE, 0), DOOR_FREED);
	assert_left(20);
	send_frame(20);
	assert_left(21);
	assert_false(output_is_noting(&output));
	assert_int_equal(ask(DOOR_TAKE, 1), DOOR_TAKEN); /* protected again */
	worker_kill();
	worker_start();
	assert_false(output_is_held(&output));
}

#define OUTPUT_TEST(name) cmocka_unit_test_setup_teardown(name, worker_set_up, worker_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OUTPUT_TEST(output_passes_until_it_is_held),
		OUTPUT_TEST(frames_leave_with_their_epoch),
		OUTPUT_TEST(what_is_held_is_told),
		OUTPUT_TEST(a_full_tap_delays_and_loses_nothing),
		OUTPUT_TEST(nothing_leaves_after_the_lease),
		OUTPUT_TEST(frames_are_exempt_by_their_type),
		OUTPUT_TEST(what_may_not_be_exempt_is_refused),
		OUTPUT_TEST(what_is_wanted_is_said_once_an_epoch),
		OUTPUT_TEST(frames_are_bounded),
		OUTPUT_TEST(disk_writes_are_noted_with_their_epoch),
		OUTPUT_TEST(forgotten_notes_keep_their_frames),
		OUTPUT_TEST(notes_of_writes_under_way_are_kept),
		OUTPUT_TEST(notes_are_bounded),
		OUTPUT_TEST(taking_waits_for_writes_that_were_not_noted),
		OUTPUT_TEST(only_what_makes_sense_is_done),
		OUTPUT_TEST(no_memory_is_said),
		OUTPUT_TEST(a_capture_that_takes_too_long_does_not_count),
		OUTPUT_TEST(freed_output_leaves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
