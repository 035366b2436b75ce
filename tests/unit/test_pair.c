/* The simulated pair under sanitizers: few schedules of what build/unit/sim_pair runs many of. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: tests/sim/pair.c tests/sim/guest.c tests/sim/shadow.c tests/sim/link.c tests/sim/world.c replication/epoch/pace.c replication/epoch/primary_states.c replication/epoch/standby_states.c replication/primary/primary.c replication/primary/collect.c replication/primary/push.c replication/primary/in_flight.c replication/standby/standby.c replication/stage/stage.c replication/wire/frame.c replication/wire/hello.c replication/wire/body.c replication/wire/pages.c replication/wire/disk.c replication/encode/encode.c replication/encode/pool.c replication/encode/decode.c replication/encode/lines.c common/log.c common/states.c */
/* libs: -llz4 -lxxhash -lpthread */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/log.h"
#include "tests/sim/sim.h"

/* Other seeds than sim_pair begins with. */
#define FIRST 5000000u
#define COUNT 1500u

static void schedules_hold(void **state)
{
	struct sim_totals totals = { 0 };

	log_open("pair", 0);
	for (uint64_t seed = FIRST; seed < FIRST + COUNT; seed++)
		pair_run(seed, &totals);
	assert_int_equal(totals.schedules, COUNT);
	/* They reach what they are about. */
	assert_true(totals.epochs > COUNT);
	assert_true(totals.takeovers > COUNT / 4);
	assert_true(totals.refused_takeovers > COUNT / 10);
	assert_true(totals.resumed > COUNT / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schedules_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
