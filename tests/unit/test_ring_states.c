/* The xenbus handshake of a backend, against frontends and toolstacks that are simulated. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/backend/xenbus_states.c common/states.c common/log.c */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "replication/backend/xenbus_states.h"

enum { GONE, INITIALISING, INIT_WAIT, INITIALISED, CONNECTED, CLOSING, CLOSED };

static struct xenbus_facts facts;
static enum phase phase;

/* Go as far as the facts carry; every move must be one that the table allows. */
static enum phase settle(unsigned int frontend)
{
	facts.frontend = frontend;
	for (int moves = 0; moves < 5; moves++) {
		enum phase next = xenbus_next(phase, &facts);

		if (next == phase)
			return phase;
		assert_true(xenbus_phases[phase].next & STATE_BIT(next));
		phase = next;
		facts.backend = xenbus_state_of(phase);
	}
	fail_msg("it does not come to rest");
	return phase;
}

static int begin(void **state)
{
	(void)state;
	phase = PHASE_NEW;
	facts = (struct xenbus_facts){
		.backend = 1, .is_online = true, .is_ready = true, .is_idle = true
	};
	return 0;
}

static void a_guest_comes_and_goes(void **state)
{
	(void)state;
	facts.is_ready = false;
	assert_int_equal(settle(INITIALISING), PHASE_WAIT);
	assert_int_equal(facts.backend, 2);
	assert_int_equal(settle(INITIALISED), PHASE_WAIT); /* the hotplug script still runs */
	facts.is_ready = true;
	assert_int_equal(settle(INITIALISED), PHASE_CONNECTED);
	assert_int_equal(settle(CONNECTED), PHASE_CONNECTED);
	assert_int_equal(settle(CLOSING), PHASE_CLOSING);
	facts.is_online = false;
	assert_int_equal(settle(CLOSED), PHASE_CLOSED);
	assert_int_equal(facts.backend, 6);
}

static void a_frontend_that_is_loaded_again_is_served_again(void **state)
{
	(void)state;
	assert_int_equal(settle(CONNECTED), PHASE_CONNECTED);
	assert_int_equal(settle(CLOSED), PHASE_CLOSED);
	assert_int_equal(settle(INITIALISING), PHASE_WAIT);
	assert_int_equal(settle(CONNECTED), PHASE_CONNECTED);
}

static void a_destroyed_guest_is_closed(void **state)
{
	(void)state;
	assert_int_equal(settle(CONNECTED), PHASE_CONNECTED);
	facts.is_online = false;
	facts.backend = CLOSING; /* libxl */
	assert_int_equal(settle(CONNECTED), PHASE_CONNECTED);
	assert_int_equal(settle(GONE), PHASE_CLOSED);
}

static void a_device_never_connected_can_be_removed(void **state)
{
	(void)state;
	assert_int_equal(settle(INITIALISING), PHASE_WAIT);
	facts.is_online = false;
	facts.backend = CLOSING;
	assert_int_equal(settle(INITIALISING), PHASE_CLOSED);
	assert_int_equal(settle(INITIALISING), PHASE_CLOSED);
}

static void closed_means_that_no_work_is_under_way(void **state)
{
	(void)state;
	assert_int_equal(settle(CONNECTED), PHASE_CONNECTED);
	facts.is_idle = false;
	assert_int_equal(settle(CLOSED), PHASE_CLOSING);
	assert_int_equal(settle(GONE), PHASE_CLOSING);
	facts.is_idle = true;
	assert_int_equal(settle(GONE), PHASE_CLOSED);
}

static void a_broken_device_stays_broken_until_its_frontend_closes(void **state)
{
	(void)state;
	phase = PHASE_BROKEN;
	for (unsigned int frontend = INITIALISING; frontend <= CLOSING; frontend++)
		assert_int_equal(settle(frontend), PHASE_BROKEN);
	assert_int_equal(settle(CLOSED), PHASE_CLOSED);
	assert_int_equal(settle(INITIALISING), PHASE_WAIT);
}

static void a_successor_takes_up_what_it_finds(void **state)
{
	bool is_attach;

	(void)state;
	for (unsigned int frontend = GONE; frontend <= CLOSED; frontend++) {
		facts.frontend = frontend;
		facts.backend = CONNECTED;
		assert_int_equal(xenbus_first(&facts, &is_attach), PHASE_NEW);
		assert_int_equal(is_attach, frontend == INITIALISED || frontend == CONNECTED);
		facts.backend = INIT_WAIT;
		assert_int_equal(xenbus_first(&facts, &is_attach), PHASE_NEW);
		assert_false(is_attach);
	}
	facts.backend = CLOSED;
	assert_int_equal(xenbus_first(&facts, &is_attach), PHASE_CLOSED);
}

/* From every phase, whatever a frontend writes, a gone frontend leads to closed. */
static void nothing_a_frontend_writes_gets_stuck(void **state)
{
	(void)state;
	for (unsigned int first = 0; first < PHASE_COUNT; first++) {
		for (unsigned int frontend = 0; frontend < 300; frontend++) {
			begin(NULL);
			phase = (enum phase)first;
			settle(frontend);
			assert_int_equal(settle(GONE), PHASE_CLOSED);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_guest_comes_and_goes, begin),
		cmocka_unit_test_setup(a_frontend_that_is_loaded_again_is_served_again, begin),
		cmocka_unit_test_setup(a_destroyed_guest_is_closed, begin),
		cmocka_unit_test_setup(a_device_never_connected_can_be_removed, begin),
		cmocka_unit_test_setup(closed_means_that_no_work_is_under_way, begin),
		cmocka_unit_test_setup(a_broken_device_stays_broken_until_its_frontend_closes,
		                       begin),
		cmocka_unit_test_setup(a_successor_takes_up_what_it_finds, begin),
		cmocka_unit_test_setup(nothing_a_frontend_writes_gets_stuck, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
