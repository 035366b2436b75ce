/* Asking a backend worker: its answers, its refusals, its silence and its death. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/xen/worker.c */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "replication/xen/worker.h"

/* What the door says next; the socket is a pipe with something in it, so that waiting ends at once. */
static struct {
	struct door_message message;
	int err, fd;
} script[8];
static unsigned int said, lines;
static struct door_message asked;
static int ends[2];

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
	assert_true(said < lines);
	*message = script[said].message;
	*fd = script[said].fd;
	return script[said++].err;
}

static void say(enum door_kind kind, uint64_t epoch, int error)
{
	script[lines].message = (struct door_message){
		.version = DOOR_VERSION, .kind = kind, .epoch = epoch, .error = error
	};
	script[lines].err = 0;
	script[lines++].fd = -1;
}

static int set_up(void **state)
{
	said = lines = 0;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "x", 1), 1);
	return 0;
}

static int tear_down(void **state)
{
	close(ends[0]);
	close(ends[1]);
	return 0;
}

static void test_a_boundary(void **state)
{
	struct worker worker;
	int log = open("/dev/null", O_RDONLY);

	assert_int_equal(worker_open(&worker, 1), 0);
	say(DOOR_TAKEN, 7, 0);
	script[0].fd = log;
	assert_int_equal(worker_ask(&worker, DOOR_TAKE, 1), 0);
	assert_int_equal(worker.last.epoch, 7);
	assert_int_equal(worker.log, log);
	say(DOOR_WANTED, 7, 0);
	script[lines++].err = -EAGAIN;
	say(DOOR_STOPPED, 7, 0);
	assert_int_equal(worker_ask(&worker, DOOR_STOP, 7), 0);
	assert_true(worker.is_wanted);
	assert_int_equal(asked.kind, DOOR_STOP);
	assert_int_equal(asked.epoch, 7);
	say(DOOR_DONE, 7, 0);
	assert_int_equal(worker_ask(&worker, DOOR_CUT, 7), 0);
	say(DOOR_STOPPED, 8, 0);
	assert_int_equal(worker_ask(&worker, DOOR_STOP, 8), 0);
	assert_false(worker.is_wanted);
	worker_close(&worker);
	worker_close(&worker);
	assert_int_equal(fcntl(log, F_GETFD), -1);
}

static void test_what_goes_wrong(void **state)
{
	struct worker worker;

	assert_int_equal(worker_open(&worker, 2), -ENOENT);
	assert_int_equal(worker_open(&worker, 1), 0);
	say(DOOR_REFUSED, 1, -EBUSY);
	assert_int_equal(worker_ask(&worker, DOOR_TAKE, 1), -EBUSY);
	say(DOOR_REFUSED, 1, 0);
	assert_int_equal(worker_ask(&worker, DOOR_TAKE, 1), -EPROTO);
	say(DOOR_HELD, 1, 0);
	assert_int_equal(worker_ask(&worker, DOOR_TAKE, 1), -EPROTO);
	script[lines].fd = -1;
	script[lines++].err = -EPIPE;
	assert_int_equal(worker_ask(&worker, DOOR_STOP, 1), -EPIPE);
	worker_close(&worker);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_boundary, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_goes_wrong, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
