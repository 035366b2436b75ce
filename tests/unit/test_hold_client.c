/* A holder and a worker that speak through the door, each in its own process. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/hold/client.c replication/hold/door.c replication/hold/record_log.c replication/backend/output.c common/log.c */

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/log.h"
#include "replication/backend/output.h"
#include "replication/hold/client.h"
#include "replication/hold/shared.h"

/* --- the worker: a process that does what output.c says, and a guest that writes when its devices go on --- */

static int door, shared_fd;
static struct output output;
static uint64_t writes;

int shared_find(const char *path, size_t bytes, void **memory)
{
	return -ENOENT;
}

int shared_make(const char *path, size_t bytes, void **memory)
{
	*memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, shared_fd, 0);
	return dup(shared_fd);
}

static void answer(struct output *to, const struct door_message *message, int fd)
{
	door_send(door, message, fd);
}

static bool is_noted(struct output *of)
{
	return true;
}

static int hold(struct output *of)
{
	return 0;
}

static void go(struct output *of)
{
	uint8_t contents[512];
	struct door_write write = { .disk = 7, .sector = writes, .sectors = 1 };

	if (!output_is_noting(of))
		return;
	memset(contents, (int)writes++, sizeof(contents));
	output_note(of, NOTE_WRITE, &write, contents, sizeof(contents));
	output_note(of, NOTE_FLUSH, &write, NULL, 0);
	output_note_end(of);
	output_want(of);
}

static const struct output_ops ops = { answer, is_noted, hold, go };

static void work(void)
{
	struct pollfd wait = { .fd = door, .events = POLLIN };
	struct door_message message;
	int fd;

	output_adopt(&output, 1, &ops);
	while (poll(&wait, 1, -1) >= 0 && door_receive(door, &message, &fd) == 0)
		output_message(&output, &message);
	_exit(0);
}

/* --- the holder --- */

static struct hold_client client;
static pid_t worker;

static int set_up(void **state)
{
	int ends[2];

	log_open("test", 0);
	shared_fd = memfd_create("test", 0);
	if (ftruncate(shared_fd, (off_t)DOOR_LOG_OFFSET + DOOR_LOG_BYTES) ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends))
		return -1;
	worker = fork();
	if (worker == 0) {
		close(ends[0]);
		door = ends[1];
		work();
	}
	close(ends[1]);
	client = (struct hold_client){ .socket = ends[0] };
	return 0;
}

static int tear_down(void **state)
{
	hold_disconnect(&client);
	waitpid(worker, NULL, 0);
	close(shared_fd);
	return 0;
}

static void take(void)
{
	uint64_t epoch = 2;
	uint32_t flags = 9;

	assert_int_equal(hold_take(&client, &epoch, &flags), 0);
	assert_int_equal(epoch, 2);
	assert_int_equal(flags, 0);
	assert_int_equal(hold_begin(&client), 0);
}

static void boundary(uint64_t epoch)
{
	assert_int_equal(hold_stop(&client, epoch), 0);
	assert_int_equal(hold_cut(&client, epoch), 0);
}

static void notes_come_with_their_epoch(void **state)
{
	struct hold_note note;

	take();
	for (uint64_t epoch = 2; epoch < 50; epoch++) {
		boundary(epoch);
		if (epoch > 2) {
			assert_int_equal(hold_next(&client, &note), 1);
			assert_int_equal(note.kind, NOTE_WRITE);
			assert_int_equal(note.epoch, epoch);
			assert_int_equal(note.write->disk, 7);
			assert_int_equal(note.contents[511], (uint8_t)note.write->sector);
			assert_int_equal(hold_next(&client, &note), 1);
			assert_int_equal(note.kind, NOTE_FLUSH);
		}
		assert_int_equal(hold_next(&client, &note), 0);
	}
}

static void what_was_read_can_be_read_again(void **state)
{
	struct hold_note note;
	unsigned int count = 0;

	take();
	for (uint64_t epoch = 2; epoch < 6; epoch++)
		boundary(epoch);
	while (hold_next(&client, &note) == 1)
		count++;
	assert_int_equal(count, 6);
	hold_rewind(&client);
	while (hold_next(&client, &note) == 1)
		count++;
	assert_int_equal(count, 12);
	assert_int_equal(hold_release(&client, 4), 0);
	boundary(6); /* the release was done before */
	hold_rewind(&client);
	assert_int_equal(hold_next(&client, &note), 1);
	assert_int_equal(note.epoch, 5);
}

static void output_that_waits_is_told(void **state)
{
	bool is_wanted = true;

	take();
	assert_int_equal(hold_listen(&client, &is_wanted), 0);
	assert_false(is_wanted);
	boundary(2); /* devices go on, and write */
	for (unsigned int i = 0; i < 1000 && !is_wanted; i++) {
		assert_int_equal(hold_listen(&client, &is_wanted), 0);
		usleep(1000);
	}
	assert_true(is_wanted);
	assert_int_equal(hold_stop(&client, 3), 0);
	assert_int_equal(hold_listen(&client, &is_wanted), 0);
	assert_false(is_wanted);
	assert_int_equal(hold_cut(&client, 3), 0);
}

static void refusals_are_errors(void **state)
{
	struct hold_note note;
	uint64_t epoch = 2;
	uint32_t flags;

	assert_int_equal(hold_begin(&client), -EPERM);
	assert_int_equal(hold_next(&client, &note), 0);
	take();
	assert_int_equal(hold_take(&client, &epoch, &flags), -EBUSY);
	assert_int_equal(hold_cut(&client, 2), -EINVAL);
	assert_int_equal(hold_free(&client), 0);
	assert_int_equal(hold_stop(&client, 2), -EPERM);
}

static void a_dead_worker_is_noticed(void **state)
{
	bool is_wanted;

	take();
	kill(worker, SIGKILL);
	assert_int_equal(hold_stop(&client, 2), -EPIPE);
	assert_int_equal(hold_listen(&client, &is_wanted), -EPIPE);
}

#define HOLD_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOLD_TEST(notes_come_with_their_epoch), HOLD_TEST(what_was_read_can_be_read_again),
		HOLD_TEST(output_that_waits_is_told),   HOLD_TEST(refusals_are_errors),
		HOLD_TEST(a_dead_worker_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
