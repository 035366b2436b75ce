/* The epoch machines and the pace: what each event leads to, one by one. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/epoch/pace.c replication/epoch/primary_states.c replication/epoch/standby_states.c common/states.c common/log.c */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/log.h"
#include "replication/epoch/pace.h"
#include "replication/epoch/primary_states.h"
#include "replication/epoch/standby_states.h"

/* --- pace --- */

static const struct pace_limits limits = {
	.longest = 25000000, .shortest = 2000000, .dirty_pages = 1000, .in_flight = 2
};

static void an_epoch_lasts_as_long_as_it_may(void **state)
{
	struct pace pace;

	pace_init(&pace, &limits, 100);
	assert_int_equal(pace_due(&pace, 0), 25000100);
	pace_want(&pace);
	assert_int_equal(pace_due(&pace, 1), 2000100);
	pace_cut(&pace, 2000100);
	assert_int_equal(pace_due(&pace, 1), 27000100);
	pace_dirty(&pace, 999, 3000000);
	assert_int_equal(pace_due(&pace, 0), 27000100);
	pace_dirty(&pace, 1000, 3000000);
	assert_int_equal(pace_due(&pace, 0), 4000100);
}

static void what_is_written_is_asked_for_while_it_may_end_the_epoch(void **state)
{
	struct pace_limits careless = limits;
	struct pace pace;

	pace_init(&pace, &limits, 100);
	assert_int_equal(pace_look(&pace, 0), 3125100);
	pace_dirty(&pace, 10, 4000000);
	assert_int_equal(pace_look(&pace, 1), 7125000);
	assert_int_equal(pace_look(&pace, 2), PACE_NEVER);
	pace_dirty(&pace, 1000, 8000000);
	assert_int_equal(pace_look(&pace, 0), PACE_NEVER);
	pace_cut(&pace, 9000000);
	assert_int_equal(pace_look(&pace, 0), 12125000);
	pace_want(&pace);
	assert_int_equal(pace_look(&pace, 0), PACE_NEVER);
	careless.dirty_pages = 0;
	pace_init(&pace, &careless, 100);
	assert_int_equal(pace_look(&pace, 0), PACE_NEVER);
}

static void a_slow_peer_is_waited_for(void **state)
{
	struct pace pace;

	pace_init(&pace, &limits, 0);
	pace_want(&pace);
	assert_int_equal(pace_due(&pace, 2), PACE_NEVER);
	assert_int_equal(pace_due(&pace, 1), 2000000);
}

/* --- the primary --- */

static struct primary_states primary;

static bool is_primary(enum primary_state state)
{
	return primary.machine.current == state;
}

static void send_epoch(void)
{
	primary_states_cut(&primary);
	primary_states_sent(&primary, primary.cut);
}

/* To RUNNING, with the first epoch cut and sent. */
static void run_primary(void)
{
	primary_states_init(&primary, "primary", 1, false);
	assert_int_equal(primary_states_hello(&primary, false, 0), PRIMARY_ATTACH);
	assert_int_equal(primary_states_due(&primary, false), PRIMARY_CUT);
	primary_states_cut(&primary);
	assert_int_equal(primary_states_due(&primary, true), PRIMARY_END);
	assert_int_equal(primary_states_due(&primary, true), 0);
	assert_int_equal(primary_states_ack(&primary, primary.base), PRIMARY_FORGET);
	assert_false(primary.is_held);
	assert_int_equal(primary_states_due(&primary, true), PRIMARY_HOLD | PRIMARY_CUT);
	assert_true(primary.is_held);
	send_epoch();
	assert_int_equal(primary.cut, 3);
}

static void output_is_released_by_acknowledgement(void **state)
{
	run_primary();
	assert_int_equal(primary_states_ack(&primary, 3), PRIMARY_FORGET | PRIMARY_RELEASE);
	assert_int_equal(primary_states_in_flight(&primary), 0);
	send_epoch();
	send_epoch();
	assert_int_equal(primary_states_in_flight(&primary), 2);
	assert_int_equal(primary_states_ack(&primary, 5), PRIMARY_FORGET | PRIMARY_RELEASE);
}

static void what_was_not_sent_cannot_be_acknowledged(void **state)
{
	run_primary();
	assert_true(primary_states_ack(&primary, 4) & PRIMARY_CLOSE);
	assert_true(is_primary(PRIMARY_WAITING));
	run_primary();
	primary_states_cut(&primary); /* not sent yet */
	assert_false(primary_states_ack(&primary, 4) & PRIMARY_RELEASE);
	run_primary();
	primary_states_ack(&primary, 3);
	assert_false(primary_states_ack(&primary, 3) & PRIMARY_RELEASE);
}

static void a_base_never_releases(void **state)
{
	primary_states_init(&primary, "primary", 7, true);
	assert_true(is_primary(PRIMARY_WAITING));
	assert_int_equal(primary_states_hello(&primary, true, 7), PRIMARY_ATTACH);
	primary_states_due(&primary, false);
	primary_states_cut(&primary);
	assert_true(primary_states_ack(&primary, primary.base) & PRIMARY_CLOSE); /* not ended */
	assert_true(is_primary(PRIMARY_WAITING));
	assert_true(primary.is_held);
}

static void a_lost_link_is_gone_on_with(void **state)
{
	run_primary();
	primary_states_ack(&primary, 3);
	send_epoch();
	send_epoch();
	assert_int_equal(primary_states_lost(&primary), 0);
	assert_int_equal(primary_states_due(&primary, true), 0);
	/* It had 4 whole: its hello is as good as its ACK. */
	assert_int_equal(primary_states_hello(&primary, true, 4), PRIMARY_FORGET | PRIMARY_RELEASE);
	assert_int_equal(primary.acked, 4);
	assert_int_equal(primary.sent, 4);
	assert_true(is_primary(PRIMARY_RUNNING));
}

static void nothing_in_common_begins_anew_and_stays_held(void **state)
{
	static const struct {
		bool is_same;
		uint64_t last;
	} hellos[] = { { false, 4 }, { true, 2 }, { true, 6 }, { true, 0 } };

	for (unsigned int i = 0; i < 4; i++) {
		run_primary();
		primary_states_ack(&primary, 3);
		send_epoch();
		primary_states_lost(&primary);
		assert_int_equal(primary_states_hello(&primary, hellos[i].is_same, hellos[i].last),
		                 PRIMARY_ATTACH);
		assert_true(primary.is_held);
		assert_true(is_primary(PRIMARY_BASE));
	}
}

static void faults_and_refusals_begin_anew(void **state)
{
	run_primary();
	assert_int_equal(primary_states_fault(&primary), PRIMARY_CLOSE);
	assert_int_equal(primary_states_hello(&primary, true, 3), PRIMARY_ATTACH);
	run_primary();
	assert_int_equal(primary_states_nack(&primary), PRIMARY_CLOSE);
	assert_int_equal(primary_states_hello(&primary, true, 3), PRIMARY_ATTACH);
}

static void only_solo_frees(void **state)
{
	run_primary();
	primary_states_lost(&primary);
	assert_int_equal(primary_states_solo(&primary), PRIMARY_DETACH | PRIMARY_FREE);
	assert_true(is_primary(PRIMARY_ALONE));
	assert_int_equal(primary_states_hello(&primary, true, 3), PRIMARY_ATTACH);
	assert_false(primary.is_held);
	run_primary();
	assert_int_equal(primary_states_solo(&primary),
	                 PRIMARY_CLOSE | PRIMARY_DETACH | PRIMARY_FREE);
	primary_states_init(&primary, "primary", 7, true);
	primary_states_hello(&primary, false, 0);
	assert_int_equal(primary_states_solo(&primary), PRIMARY_FREE);
	assert_true(is_primary(PRIMARY_BASE));
	assert_int_equal(primary_states_lost(&primary), PRIMARY_DETACH);
}

/* --- the standby --- */

static struct standby_states standby;

static int begin(uint64_t epoch, uint64_t base, bool is_base)
{
	bool drops;

	return standby_states_begin(&standby, 9, epoch, base, is_base, &drops);
}

static void run_standby(void)
{
	standby_states_init(&standby, "standby");
	assert_int_equal(begin(1, 0, true), 0);
	standby_states_whole(&standby);
	assert_int_equal(standby_states_last(&standby), 0);
	assert_int_equal(standby_states_may_activate(&standby), -ENODATA);
	assert_int_equal(begin(3, 1, false), 0);
	standby_states_whole(&standby);
	assert_int_equal(standby_states_last(&standby), 3);
	standby_states_committed(&standby, 3);
}

static void epochs_build_on_each_other(void **state)
{
	bool drops;

	standby_states_init(&standby, "standby");
	assert_int_equal(begin(3, 1, false), -EPROTO); /* on nothing */
	run_standby();
	assert_int_equal(begin(5, 4, false), -EPROTO); /* a gap */
	assert_int_equal(begin(3, 3, false), -EPROTO);
	assert_int_equal(standby_states_begin(&standby, 8, 4, 3, false, &drops), -EPROTO);
	assert_int_equal(begin(4, 3, false), 0);
	assert_int_equal(begin(4, 3, false), -EPROTO); /* in the middle of one */
}

static void the_last_whole_epoch_stands(void **state)
{
	run_standby();
	begin(4, 3, false);
	standby_states_drop(&standby, "lost");
	assert_int_equal(standby_states_last(&standby), 3);
	assert_int_equal(standby_states_may_activate(&standby), 0);
	assert_int_equal(begin(4, 3, false), 0);
}

static void half_a_base_is_nothing(void **state)
{
	run_standby();
	assert_int_equal(begin(7, 0, true), 0);
	assert_int_equal(standby_states_last(&standby), 0);
	standby_states_drop(&standby, "lost");
	assert_int_equal(standby_states_may_activate(&standby), -ENODATA);
	assert_int_equal(begin(8, 7, false), -EPROTO);
}

static void what_cannot_be_committed_is_tried_again(void **state)
{
	run_standby();
	begin(4, 3, false);
	standby_states_whole(&standby);
	standby_states_commit_failed(&standby);
	assert_int_equal(standby_states_last(&standby), 0);
	assert_int_equal(begin(5, 4, false), -EPROTO);
	assert_int_equal(standby_states_may_activate(&standby), 0);
	standby_states_committed(&standby, 4);
	standby_states_activate(&standby);
	assert_int_equal(standby_states_may_activate(&standby), -EALREADY);
	assert_int_equal(begin(9, 0, true), -EPROTO);
}

static void outdated_is_empty(void **state)
{
	run_standby();
	standby_states_outdate(&standby);
	assert_int_equal(standby_states_may_activate(&standby), -ENODATA);
	assert_int_equal(begin(4, 3, false), -EPROTO);
	assert_int_equal(begin(9, 0, true), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_epoch_lasts_as_long_as_it_may),
		cmocka_unit_test(what_is_written_is_asked_for_while_it_may_end_the_epoch),
		cmocka_unit_test(a_slow_peer_is_waited_for),
		cmocka_unit_test(output_is_released_by_acknowledgement),
		cmocka_unit_test(what_was_not_sent_cannot_be_acknowledged),
		cmocka_unit_test(a_base_never_releases),
		cmocka_unit_test(a_lost_link_is_gone_on_with),
		cmocka_unit_test(nothing_in_common_begins_anew_and_stays_held),
		cmocka_unit_test(faults_and_refusals_begin_anew),
		cmocka_unit_test(only_solo_frees),
		cmocka_unit_test(epochs_build_on_each_other),
		cmocka_unit_test(the_last_whole_epoch_stands),
		cmocka_unit_test(half_a_base_is_nothing),
		cmocka_unit_test(what_cannot_be_committed_is_tried_again),
		cmocka_unit_test(outdated_is_empty),
	};

	log_open("epochs", 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
