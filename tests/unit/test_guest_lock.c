/* The lock of a guest's devices. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/backend/guest_lock.c */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "replication/backend/guest_lock.h"
#include "replication/backend/journal.h"

#define GUEST 32751 /* of which this host has none */
#define PATH  JOURNAL_FOLDER "/backend-32751.lock"

/* While a worker serves a guest nobody prepares for the next one of its number. */
static void a_guest_is_locked_by_one(void **state)
{
	int fd = guest_lock_take(GUEST);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(guest_lock_take(GUEST), -EWOULDBLOCK);
	guest_lock_drop(GUEST, fd);
	fd = guest_lock_take(GUEST);
	assert_true(fd >= 0);
	close(fd); /* as when its holder dies: the file is left */
	fd = guest_lock_take(GUEST);
	assert_true(fd >= 0);
	guest_lock_drop(GUEST, fd);
	assert_int_equal(access(PATH, F_OK), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(a_guest_is_locked_by_one) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
