/* The rules of held output: who may hold it, what leaves when, holders and workers that die. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/backend/output.c replication/backend/held.c replication/hold/record_log.c replication/hold/door.c common/log.c */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "replication/backend/held.h"
#include "replication/backend/output.h"
#include "replication/backend/tap.h"
#include "replication/hold/shared.h"

/* --- shared memory that outlives the worker under test, by path --- */

static struct {
	char path[DOOR_PATH_BYTES];
	int fd; /* a file without a name */
} files[4];

static int map(int fd, size_t bytes, void **memory)
{
	*memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return dup(fd);
}

int shared_find(const char *path, size_t bytes, void **memory)
{
	for (unsigned int i = 0; i < 4; i++) {
		if (files[i].fd > 0 && strcmp(files[i].path, path) == 0)
			return lseek(files[i].fd, 0, SEEK_END) == (off_t)bytes
			               ? map(files[i].fd, bytes, memory)
			               : -EINVAL;
	}
	return -ENOENT;
}

int unlink(const char *path)
{
	for (unsigned int i = 0; i < 4; i++) {
		if (files[i].fd > 0 && strcmp(files[i].path, path) == 0) {
			close(files[i].fd);
			files[i].fd = 0;
		}
	}
	return 0;
}

static bool is_memory_short;

int shared_make(const char *path, size_t bytes, void **memory)
{
	unsigned int i = 0;

	unlink(path);
	if (is_memory_short)
		return -ENOSPC;
	while (files[i].fd > 0)
		i++;
	strcpy(files[i].path, path);
	files[i].fd = memfd_create("test", 0);
	assert_int_equal(ftruncate(files[i].fd, (off_t)bytes), 0);
	return map(files[i].fd, bytes, memory);
}

/* --- the tap: frames by number --- */

static uint32_t left[4096];
static unsigned int left_count, tap_room;

ssize_t tap_write(int tap, const struct virtio_net_hdr *header, const void *frame, size_t length)
{
	if (tap_room == 0)
		return -EAGAIN;
	tap_room--;
	memcpy(&left[left_count++], frame, sizeof(left[0]));
	return (ssize_t)length;
}

/* --- the worker --- */

static struct output output;
static struct held held;
static struct door_message answers[16];
static unsigned int answer_count, gone_on;
static bool is_unnoted;
static uint64_t oldest_under_way;

static void answer(struct output *to, const struct door_message *message, int fd)
{
	assert_int_equal(fd >= 0, message->kind == DOOR_TAKEN);
	assert_true(answer_count < 16);
	answers[answer_count++] = *message;
}

static bool is_noted(struct output *of)
{
	return !is_unnoted;
}

static uint64_t under_way(struct output *of)
{
	return oldest_under_way;
}

static int hold(struct output *of)
{
	return held_open(&held, 7, 0);
}

static void go(struct output *of)
{
	gone_on++;
	held_release(&held, output_released(&output), output_lease(&output), 0);
}

static const struct output_ops ops = { answer, is_noted, under_way, hold, go };

static void start_worker(void)
{
	assert_int_equal(output_adopt(&output, 7, &ops), 0);
	memset(&held, 0, sizeof(held));
	if (output_is_held(&output))
		assert_int_equal(held_open(&held, 7, 0), 0);
}

static void kill_worker(void)
{
	if (output.page) {
		munmap(output.page, (size_t)DOOR_LOG_OFFSET + DOOR_LOG_BYTES);
		close(output.fd);
	}
	held_close(&held, 7, 0, false);
}

static int set_up(void **state)
{
	answer_count = gone_on = left_count = 0;
	tap_room = 4096;
	is_unnoted = is_memory_short = false;
	oldest_under_way = UINT64_MAX;
	start_worker();
	return 0;
}

static int tear_down(void **state)
{
	held_close(&held, 7, 0, true);
	output_remove(&output);
	return 0;
}

/* Ask; the kind of the last answer. */
static uint32_t ask(enum door_kind kind, uint64_t epoch)
{
	struct door_message message = { .version = DOOR_VERSION, .kind = kind, .epoch = epoch };

	answer_count = 0;
	output_message(&output, &message);
	return answer_count ? answers[answer_count - 1].kind : 0;
}

static int refused(enum door_kind kind, uint64_t epoch)
{
	return ask(kind, epoch) == DOOR_REFUSED ? answers[answer_count - 1].error : 0;
}

static void boundary(uint64_t epoch)
{
	assert_int_equal(ask(DOOR_STOP, epoch), DOOR_STOPPED);
	assert_int_equal(ask(DOOR_CUT, epoch), DOOR_DONE);
}

/* As net_send.c does it; false: there is no room. */
static bool send_frame(uint32_t number)
{
	struct virtio_net_hdr header = { 0 };
	uint8_t frame[60] = { 0 };

	memcpy(frame, &number, sizeof(number));
	if (!output_is_held(&output) && held_is_empty(&held))
		return tap_write(0, &header, frame, sizeof(frame)) > 0;
	if (held_put(&held, output_epoch(&output), &header, frame, sizeof(frame)))
		return false;
	output_want(&output);
	return true;
}

static bool write_disk(uint64_t sector, size_t bytes)
{
	static uint8_t contents[1 << 20];
	struct door_write write = { .disk = 51712, .sector = sector, .sectors = bytes / 512 };
	bool is_noted = output_note(&output, NOTE_WRITE, &write, contents, bytes);

	if (is_noted)
		output_note_end(&output);
	return is_noted;
}

static void assert_left(uint32_t count)
{
	assert_int_equal(left_count, count);
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(left[i], i);
}

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

static void a_lease_outlives_the_worker(void **state)
{
	ask(DOOR_TAKE, 1);
	ask(DOOR_HOLD, 0);
	ask(DOOR_LEASE, 1);
	send_frame(0);
	boundary(1);
	kill_worker();
	start_worker();
	ask(DOOR_TAKE, 2);
	ask(DOOR_RELEASE, 1);
	assert_left(0);
	assert_int_equal(ask(DOOR_FREE, 0), DOOR_FREED);
	assert_left(1);
}

/* A VM that was taken over: its first worker holds before anybody has come. */
static void a_worker_is_prepared_to_hold(void **state)
{
	assert_int_equal(output_prepare(7), 0);
	start_worker();
	assert_true(output_is_held(&output));
	send_frame(0);
	assert_true(write_disk(8, 512));
	ask(DOOR_TAKE, 5);
	boundary(5);
	ask(DOOR_RELEASE, 5);
	assert_left(0);
	ask(DOOR_FREE, 0);
	assert_left(1);
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
	kill_worker();
	start_worker();
	send_frame(50);
	assert_left(0); /* without a holder */
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
	kill_worker();
	start_worker();
	assert_false(output_is_noting(&output));
}

static void garbage_in_shared_memory_stays_held(void **state)
{
	ask(DOOR_TAKE, 4);
	ask(DOOR_HOLD, 0);
	memset((uint8_t *)output.page + DOOR_LOG_OFFSET, 0x5a, 4096);
	kill_worker();
	start_worker();
	assert_true(output_is_held(&output));
	send_frame(0);
	assert_left(0);
	assert_int_equal(ask(DOOR_TAKE, 9), DOOR_TAKEN);
	assert_int_equal(answers[0].flags, DOOR_IS_HOLDING | DOOR_IS_LOST);
	assert_int_equal(answers[0].epoch, 9);
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
	kill_worker();
	start_worker();
	assert_false(output_is_held(&output));
}

static void messages_pass_the_door_whole(void **state)
{
	struct door_message sent = { .version = DOOR_VERSION, .kind = DOOR_TAKEN, .epoch = 42 },
			    got;
	int ends[2];
	int fd;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	assert_int_equal(door_receive(ends[1], &got, &fd), -EAGAIN);
	assert_int_equal(door_send(ends[0], &sent, ends[0]), 0);
	assert_int_equal(door_receive(ends[1], &got, &fd), 0);
	assert_memory_equal(&got, &sent, sizeof(got));
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(send(ends[0], "junk", 4, 0), 4);
	assert_int_equal(door_receive(ends[1], &got, &fd), -EPROTO);
	sent.version++;
	assert_int_equal(door_send(ends[0], &sent, ends[0]), 0);
	assert_int_equal(door_receive(ends[1], &got, &fd), -EPROTO);
	assert_int_equal(fd, -1);
	while (door_send(ends[0], &sent, -1) == 0)
		; /* nobody reads: it does not wait */
	close(ends[0]);
	while (door_receive(ends[1], &got, &fd) == -EPROTO)
		;
	assert_int_equal(door_receive(ends[1], &got, &fd), -EPIPE);
	close(ends[1]);
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
			kill_worker();
			start_worker();
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

#define OUTPUT_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OUTPUT_TEST(output_passes_until_it_is_held),
		OUTPUT_TEST(frames_leave_with_their_epoch),
		OUTPUT_TEST(a_full_tap_delays_and_loses_nothing),
		OUTPUT_TEST(nothing_leaves_after_the_lease),
		OUTPUT_TEST(a_lease_outlives_the_worker),
		OUTPUT_TEST(a_worker_is_prepared_to_hold),
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
		OUTPUT_TEST(a_dead_holder_leaves_everything_to_the_next),
		OUTPUT_TEST(a_holder_that_dies_before_it_holds_leaves_nothing),
		OUTPUT_TEST(a_successor_takes_up_what_is_held),
		OUTPUT_TEST(a_successor_of_one_that_only_noted_lets_pass),
		OUTPUT_TEST(garbage_in_shared_memory_stays_held),
		OUTPUT_TEST(freed_output_leaves),
		OUTPUT_TEST(messages_pass_the_door_whole),
		OUTPUT_TEST(nothing_is_lost_or_early_when_anyone_dies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
