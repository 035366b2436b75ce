/* Messages between a worker and the holder of its output, over a real socket. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/hold/door.c */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "replication/hold/door.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_pass_the_door_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
