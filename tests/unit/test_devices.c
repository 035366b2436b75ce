/* Asking a backend worker through its door: its answers, its notes, its refusals, its silence and its death. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/domain/devices.c replication/hold/record_log.c */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "replication/domain/devices.h"

/* What the door says next; the socket is a pipe with something in it, so that waiting ends at once. */
static struct {
	struct door_message message;
	int err, fd;
} script[16];
static unsigned int said, lines;
static bool is_babbling; /* what was said last is said again, for ever */
static struct door_message asked;
static int ends[2], file;
static struct record_log notes; /* as the worker has them */
static struct devices devices;

int door_connect(unsigned int domid)
{
	return domid == 1 ? dup(ends[0]) : -ENOENT;
}

int door_send(int socket, const struct door_message *message, int fd)
{
	asked = *message;
	return 0;
}

int door_receive(int socket, struct door_message *message, int *fd)
{
	*fd = -1;
	if (said == lines && is_babbling)
		said--;
	if (said == lines)
		return -EAGAIN;
	*message = script[said].message;
	*fd = script[said].fd;
	return script[said++].err;
}

static struct door_message *say(enum door_kind kind, uint64_t epoch)
{
	script[lines].message =
		(struct door_message){ .version = DOOR_VERSION, .kind = kind, .epoch = epoch };
	script[lines].err = 0;
	script[lines].fd = -1;
	return &script[lines++].message;
}

static void refuse(enum door_kind kind, int error)
{
	struct door_message *message = say(DOOR_REFUSED, 0);

	message->flags = kind;
	message->error = error;
}

static void say_error(int err)
{
	script[lines].fd = -1;
	script[lines++].err = err;
}

static int set_up(void **state)
{
	size_t bytes = (size_t)DOOR_LOG_OFFSET + DOOR_LOG_BYTES;
	uint8_t *memory;

	said = lines = 0;
	is_babbling = false;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "x", 1), 1);
	file = memfd_create("notes", 0);
	assert_int_equal(ftruncate(file, (off_t)bytes), 0);
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	assert_int_equal(record_log_open(&notes, memory + DOOR_LOG_OFFSET, DOOR_LOG_BYTES, false),
	                 0);
	devices_init(&devices);
	return 0;
}

static int tear_down(void **state)
{
	devices_leave(&devices);
	munmap((uint8_t *)notes.page - DOOR_LOG_OFFSET, (size_t)DOOR_LOG_OFFSET + DOOR_LOG_BYTES);
	close(file);
	close(ends[0]);
	close(ends[1]);
	return 0;
}

static void take(uint32_t flags)
{
	struct door_message *taken = say(DOOR_TAKEN, 7);

	taken->flags = flags;
	script[lines - 1].fd = dup(file);
	assert_int_equal(devices_take(&devices, 1, 1), 0);
}

static void note(uint64_t epoch)
{
	struct door_write write = { .disk = 51712, .sector = epoch };

	memcpy(record_log_reserve(&notes, NOTE_DISCARD, epoch, sizeof(write)), &write,
	       sizeof(write));
	record_log_publish(&notes);
}

static void test_a_boundary(void **state)
{
	take(DOOR_IS_HOLDING);
	assert_int_equal(devices.epoch, 7);
	assert_true(devices.is_held);
	assert_false(devices.is_lost);
	say(DOOR_WANTED, 7);
	assert_int_equal(devices_listen(&devices), 0);
	assert_true(devices.is_wanted);
	say(DOOR_STOPPED, 7)->flags = 18;
	script[lines - 1].message.frames = 12;
	assert_int_equal(devices_ask(&devices, DOOR_STOP, 7), 0);
	assert_int_equal(devices.held_kib, 18);
	assert_int_equal(devices.held_frames, 12);
	assert_int_equal(asked.kind, DOOR_STOP);
	assert_int_equal(asked.epoch, 7);
	assert_false(devices.is_wanted);
	say(DOOR_WANTED, 8); /* may come before the answer */
	say(DOOR_DONE, 7);
	assert_int_equal(devices_ask(&devices, DOOR_CUT, 7), 0);
	assert_true(devices.is_wanted);
	assert_int_equal(devices_ask(&devices, DOOR_RELEASE, 7), 0);
	assert_int_equal(asked.kind, DOOR_RELEASE);
}

static void test_exemptions(void **state)
{
	struct exempt exempt = { .types = { 0x0806, 0x88cc } };

	assert_int_equal(devices_exempt(&devices, &exempt), -EPIPE);
	take(DOOR_IS_HOLDING);
	say(DOOR_LEASED, 7); /* of a lease that nobody waited for */
	say(DOOR_EXEMPTED, 0);
	assert_int_equal(devices_exempt(&devices, &exempt), 0);
	assert_int_equal(asked.kind, DOOR_EXEMPT);
	assert_memory_equal(&asked.exempt, &exempt, sizeof(exempt));
	refuse(DOOR_EXEMPT, -EINVAL);
	assert_int_equal(devices_exempt(&devices, &exempt), -EINVAL);
	assert_true(devices.door >= 0);
	say_error(-EPIPE);
	assert_int_equal(devices_exempt(&devices, &exempt), -EPIPE);
	assert_int_equal(devices.door, -1);
}

static void test_notes_of_an_epoch(void **state)
{
	take(0);
	assert_null(devices_note(&devices, 9));
	note(7);
	note(7);
	note(8);
	assert_int_equal(devices_note(&devices, 7)->epoch, 7);
	assert_int_equal(devices_note(&devices, 7)->epoch, 7);
	assert_null(devices_note(&devices, 7));
	assert_int_equal(devices_note(&devices, 8)->epoch, 8);
	assert_null(devices_note(&devices, 8));
}

static void test_refusals(void **state)
{
	assert_int_equal(devices_take(&devices, 2, 1), -ENOENT);
	refuse(DOOR_TAKE, -EBUSY);
	assert_int_equal(devices_take(&devices, 1, 1), -EBUSY);
	assert_int_equal(devices.door, -1);
	take(0);
	refuse(DOOR_CUT, -ETIME);
	assert_int_equal(devices_ask(&devices, DOOR_CUT, 7), -ETIME);
	assert_true(devices.door >= 0);
}

/* A file that is none, or did not come. */
static void test_a_file_that_cannot_be(void **state)
{
	say(DOOR_TAKEN, 1);
	assert_int_equal(devices_take(&devices, 1, 1), -EPROTO);
	notes.page->magic = 0;
	say(DOOR_TAKEN, 1);
	script[lines - 1].fd = dup(file);
	assert_int_equal(devices_take(&devices, 1, 1), -EINVAL);
	assert_int_equal(devices.door, -1);
	assert_null(devices_note(&devices, 1));
}

static void test_death(void **state)
{
	take(0);
	say_error(-EPIPE);
	assert_int_equal(devices_ask(&devices, DOOR_STOP, 7), -EPIPE);
	assert_int_equal(devices.door, -1);
	assert_int_equal(devices_ask(&devices, DOOR_STOP, 7), -EPIPE);
	assert_int_equal(devices_listen(&devices), -EPIPE);
	take(0);
	assert_int_equal(devices.takes, 2);
	say_error(-EPROTO);
	assert_int_equal(devices_listen(&devices), -EPROTO);
	assert_int_equal(devices.door, -1);
}

static void test_silence(void **state)
{
	char byte;

	take(0);
	assert_int_equal(read(ends[0], &byte, 1), 1); /* so that waiting lasts */
	assert_int_equal(devices_ask(&devices, DOOR_STOP, 7), -ETIMEDOUT);
	assert_int_equal(devices.door, -1);
}

/* Words that answer nothing do not hold anybody for longer than silence. */
static void test_babble(void **state)
{
	take(0);
	say(DOOR_WANTED, 7);
	is_babbling = true;
	assert_int_equal(devices_listen(&devices), 0);
	assert_int_equal(devices_ask(&devices, DOOR_STOP, 7), -ETIMEDOUT);
	assert_int_equal(devices.door, -1);
}

#define DEVICES_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DEVICES_TEST(test_exemptions),
		DEVICES_TEST(test_a_boundary),
		DEVICES_TEST(test_notes_of_an_epoch),
		DEVICES_TEST(test_refusals),
		DEVICES_TEST(test_a_file_that_cannot_be),
		DEVICES_TEST(test_death),
		DEVICES_TEST(test_silence),
		DEVICES_TEST(test_babble),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
