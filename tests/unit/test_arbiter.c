/* The arbiter's moves one by one, hostile numbers, and everything in any order. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: fencing/arbiter/arbiter.c fencing/arbiter/moves.c fencing/arbiter/rules.c fencing/arbiter/beats.c fencing/arbiter/actions.c fencing/generation/record.c common/states.c common/log.c tests/unit/one_arbiter.c */

#include <string.h>

#include "common/log.h"
#include "tests/unit/one_arbiter.h"

static void refusals_name_the_risk_and_the_flag(void **state)
{
	const char *why;

	config = arbiter_defaults(false, false);
	why = arbiter_refusal(&config);
	assert_non_null(why);
	assert_non_null(strstr(why, "split"));
	assert_non_null(strstr(why, "--accept-split-brain"));
	config.risk_accepted = true;
	assert_null(arbiter_refusal(&config));
	for (int agent = 0; agent < 2; agent++) {
		for (int quorum = 0; quorum < 2; quorum++) {
			config = arbiter_defaults(agent, quorum);
			assert_int_equal(arbiter_refusal(&config) == NULL, agent || quorum);
		}
	}
	config = arbiter_defaults(true, true);
	config.window = config.lease;
	assert_non_null(arbiter_refusal(&config));
	config = arbiter_defaults(true, true);
	config.margin = 0;
	assert_non_null(arbiter_refusal(&config));
	config = arbiter_defaults(true, true);
	config.lease = 0;
	assert_non_null(arbiter_refusal(&config));
	config = arbiter_defaults(true, true);
	config.rate_error = 1000000;
	assert_non_null(arbiter_refusal(&config));
}

static void the_lease_counts_from_when_the_beat_was_sent(void **state)
{
	uint64_t sent_at;

	be_replicating();
	pass(100 * MS);
	sent_at = now;
	now += 20 * MS;
	tell_reply(++replies, arbiter.sent);
	assert_int_equal(find(ACTION_RELEASE)->until, sent_at + config.lease);
	while (now < sent_at + config.lease - ARBITER_TICK)
		pass(ARBITER_TICK);
	assert_int_equal(state_now(), ARBITER_REPLICATING);
	pass(ARBITER_TICK);
	assert_int_equal(state_now(), ARBITER_HOLDING);
	assert_true(did_ask(ACTION_HOLD) && did_alarm(ALARM_HELD));
	tell_reply(++replies, arbiter.sent);
	assert_int_equal(state_now(), ARBITER_REPLICATING);
}

static void replies_that_cannot_be_renew_nothing(void **state)
{
	uint64_t until;

	be_replicating();
	pass(300 * MS);
	until = arbiter.lease_until;
	tell_reply(100, arbiter.sent + 1);
	tell_reply(100, UINT64_MAX);
	tell_reply(100, 0);
	tell_reply(replies, arbiter.sent); /* an old number */
	tell((struct arbiter_event){
		.kind = EVENT_REPLY, .right = { 1, 2 }, .number = 100, .heard = arbiter.sent });
	tell((struct arbiter_event){
		.kind = EVENT_REPLY, .right = { 0, 1 }, .number = 100, .heard = arbiter.sent });
	assert_int_equal(arbiter.lease_until, until);
	pass(600 * MS);
	assert_int_equal(state_now(), ARBITER_HOLDING);
	tell_reply(UINT64_MAX, 1); /* to a beat of long ago: heard, but no lease */
	assert_int_equal(state_now(), ARBITER_HOLDING);
}

static void an_outdated_standby_lets_the_primary_go_on(void **state)
{
	be_replicating();
	tell_word(SITUATION_OUTDATED, 1, 0, false); /* of the round before */
	assert_int_equal(state_now(), ARBITER_REPLICATING);
	tell_word(SITUATION_OUTDATED, 1, 1, false);
	assert_int_equal(state_now(), ARBITER_SOLO);
	assert_true(did_ask(ACTION_SOLO) && did_alarm(ALARM_UNPROTECTED));
	assert_int_equal(arbiter.record.situation, SITUATION_SOLO);
}

static void output_waits_until_solo_is_durable(void **state)
{
	be_replicating();
	writes_at_once = false;
	tell_word(SITUATION_OUTDATED, 1, 1, false);
	assert_int_equal(state_now(), ARBITER_GOING_SOLO);
	assert_false(did_ask(ACTION_SOLO));
	tell((struct arbiter_event){ .kind = EVENT_WRITTEN, .ok = false });
	assert_true(did_alarm(ALARM_STORE_FAILED));
	pass(1900 * MS);
	assert_false(did_ask(ACTION_WRITE));
	pass(200 * MS);
	assert_true(arbiter.is_writing);
	tell((struct arbiter_event){ .kind = EVENT_WRITTEN, .ok = true });
	assert_true(did_ask(ACTION_SOLO));
}

static void a_silent_standby_is_outlived_by_its_window(void **state)
{
	be_replicating();
	tell_members(true, false, false);
	pass(config.window + config.margin - 100 * MS);
	assert_int_equal(state_now(), ARBITER_HOLDING);
	pass(200 * MS);
	assert_int_equal(state_now(), ARBITER_SOLO);
}

static void broken_quorum_takes_time_out_of_the_proof(void **state)
{
	for (int how = 0; how < 5; how++) {
		begin(NULL);
		be_replicating();
		if (how == 0) /* lost and found */
			tell_members(false, false, false);
		if (how == 1) /* another voter was elsewhere in between */
			tell_members(true, false, true);
		if (how == 2) /* lost to the end */
			tell_members(false, false, false);
		if (how == 3) /* it slept, and nothing is seen of where the votes were */
			now += 1000 * MS;
		if (how == 4) { /* the peer was gone and is back, and gone */
			tell_members(true, false, false);
			pass(1000 * MS);
			tell_members(true, true, false);
			tell_members(true, false, false);
		}
		pass(1000 * MS);
		if (how < 2)
			tell_members(true, false, how == 1);
		pass(4 * config.window);
		assert_int_equal(state_now(), ARBITER_HOLDING);
		tell((struct arbiter_event){ .kind = EVENT_ORDERED_SOLO });
		assert_int_equal(state_now(), ARBITER_SOLO);
	}
}

static void an_accepted_risk_does_not_cover_sleep(void **state)
{
	for (int slept = 0; slept < 2; slept++) {
		begin(NULL);
		config = arbiter_defaults(false, false);
		config.risk_accepted = true;
		be_replicating();
		tell_members(true, false, false);
		if (slept)
			now += 2 * config.window;
		pass(2 * config.window);
		assert_int_equal(state_now(), slept ? ARBITER_HOLDING : ARBITER_SOLO);
	}
}

static void a_fenced_standby_lets_the_primary_go_on_at_once(void **state)
{
	config = arbiter_defaults(true, true);
	be_replicating();
	tell_members(true, false, false);
	pass(900 * MS);
	assert_true(arbiter.is_fencing);
	tell((struct arbiter_event){ .kind = EVENT_FENCED, .ok = false });
	assert_true(did_alarm(ALARM_FENCE_FAILED));
	pass(2100 * MS);
	assert_true(arbiter.is_fencing);
	tell((struct arbiter_event){ .kind = EVENT_FENCED, .ok = true });
	assert_int_equal(state_now(), ARBITER_HOLDING);
	pass(config.view_lag);
	assert_int_equal(state_now(), ARBITER_SOLO);
}

static void a_peer_that_is_there_is_not_fenced(void **state)
{
	config = arbiter_defaults(true, true);
	be_replicating();
	pass(3000 * MS);
	assert_int_equal(state_now(), ARBITER_HOLDING);
	assert_false(arbiter.is_fencing);
}

static void two_nodes_with_an_agent_need_it(void **state)
{
	config = arbiter_defaults(true, false);
	be_replicating();
	tell_members(true, false, false);
	pass(3 * config.window);
	assert_int_equal(state_now(), ARBITER_HOLDING);
	tell((struct arbiter_event){ .kind = EVENT_CONFIRMED });
	assert_int_equal(state_now(), ARBITER_SOLO);
}

static void a_higher_generation_is_given_way_to(void **state)
{
	be_replicating();
	tell_word(SITUATION_SOLO, 2, 0, false);
	assert_int_equal(state_now(), ARBITER_DROPPING);
	assert_true(did_ask(ACTION_HOLD) && did_ask(ACTION_DROP) && did_alarm(ALARM_DROPPED));
	tell((struct arbiter_event){ .kind = EVENT_DROPPED });
	assert_int_equal(state_now(), ARBITER_OUTDATED);
	assert_int_equal(arbiter.record.right.generation, 2);
	assert_int_equal(find(ACTION_SAY)->record.situation, SITUATION_OUTDATED);
}

static void a_claim_that_is_not_confirmed_is_not_given_way_to(void **state)
{
	be_replicating();
	tell_word(SITUATION_TAKING, 1, 1, false);
	tell_word(SITUATION_IN_SYNC, 9, 1, false);
	tell_word((enum situation)77, 9, 1, false);
	tell_word(SITUATION_SOLO, 1ull << 63, 0, false);
	assert_int_equal(state_now(), ARBITER_REPLICATING);
}

static void a_standby_takes_over_when_the_lease_is_over(void **state)
{
	uint64_t wait = config.lease + config.enforcement;

	be_in_sync();
	tell_members(true, false, false);
	pass(wait);
	assert_int_equal(state_now(), ARBITER_ALONE);
	writes_at_once = false;
	pass(config.margin + 100 * MS);
	assert_int_equal(state_now(), ARBITER_CLAIMING);
	tell((struct arbiter_event){ .kind = EVENT_WRITTEN, .ok = true });
	assert_int_equal(state_now(), ARBITER_ACTIVATING);
	assert_int_equal(find(ACTION_TAKE_OVER)->until, arbiter.window_end);
	tell((struct arbiter_event){ .kind = EVENT_ACTIVATED, .ok = true });
	assert_int_equal(state_now(), ARBITER_CONFIRMING);
	assert_int_equal(find(ACTION_WRITE)->record.right.generation, 2);
	assert_false(did_ask(ACTION_SOLO));
	tell((struct arbiter_event){ .kind = EVENT_WRITTEN, .ok = true });
	assert_true(did_ask(ACTION_SOLO) && did_alarm(ALARM_TOOK_OVER));
	assert_int_equal(arbiter.record.situation, SITUATION_SOLO);
}

static void without_quorum_nobody_takes_over(void **state)
{
	be_in_sync();
	tell_members(false, false, false);
	pass(config.window - 1100 * MS);
	assert_int_equal(state_now(), ARBITER_ALONE);
	pass(1200 * MS);
	assert_int_equal(state_now(), ARBITER_OUTDATED);
	assert_true(did_alarm(ALARM_OUTDATED) || arbiter.record.situation == SITUATION_OUTDATED);
}

/* It wakes within the window, but what it knows of the cluster is from before. */
static void a_host_that_slept_does_not_trust_what_it_knew(void **state)
{
	be_in_sync();
	tell_members(true, false, false);
	pass(600 * MS);
	now += 3000 * MS;
	tell((struct arbiter_event){ .kind = EVENT_TICK });
	assert_int_equal(state_now(), ARBITER_ALONE);
	tell_members(false, false, false); /* as it learns now */
	pass(1500 * MS);
	assert_int_equal(state_now(), ARBITER_OUTDATED);
}

static void a_hypervisor_that_refuses_is_obeyed(void **state)
{
	be_in_sync();
	tell_members(true, false, false);
	tell_word(SITUATION_HANDED, 1, 1, false);
	assert_int_equal(state_now(), ARBITER_ACTIVATING);
	tell((struct arbiter_event){ .kind = EVENT_ACTIVATED, .ok = false });
	assert_int_equal(state_now(), ARBITER_DROPPING);
	assert_true(did_alarm(ALARM_TOO_LATE));
	tell((struct arbiter_event){ .kind = EVENT_DROPPED });
	assert_int_equal(state_now(), ARBITER_OUTDATED);
	assert_int_equal(arbiter.record.right.generation, 1);
}

static void a_fenced_primary_is_replaced_at_once(void **state)
{
	config = arbiter_defaults(true, true);
	be_in_sync();
	tell_members(true, false, false);
	pass(450 * MS);
	assert_int_equal(state_now(), ARBITER_ALONE);
	pass(ARBITER_TICK);
	assert_true(arbiter.is_fencing);
	tell((struct arbiter_event){ .kind = EVENT_FENCED, .ok = true });
	assert_int_equal(state_now(), ARBITER_ACTIVATING);
}

static void beats_that_cannot_be_prolong_nothing(void **state)
{
	uint64_t end;

	be_in_sync();
	end = arbiter.window_end;
	pass(200 * MS);
	tell_beat(4, 3); /* a reply that was never sent */
	tell_beat(5, UINT64_MAX);
	tell_beat(3, 1); /* heard already */
	tell((struct arbiter_event){
		.kind = EVENT_BEAT, .right = { 2, 0 }, .number = 9, .heard = 2 });
	assert_int_equal(arbiter.window_end, end);
	tell_beat(UINT64_MAX, 1); /* a new beat that confirms nothing new */
	assert_int_equal(arbiter.window_end, end);
	assert_true(did_ask(ACTION_REPLY));
}

static void a_standby_steps_back_when_asked(void **state)
{
	be_in_sync();
	tell_word(SITUATION_REPLICATING, 1, 0, true); /* of an older round: no */
	assert_int_equal(state_now(), ARBITER_IN_SYNC);
	tell_word(SITUATION_REPLICATING, 1, 1, true);
	assert_int_equal(state_now(), ARBITER_OUTDATED);
	assert_int_equal(find(ACTION_SAY)->record.situation, SITUATION_OUTDATED);
}

/* Its word is about a round whose first beat may still be under way. */
static void a_round_that_was_disowned_is_not_joined(void **state)
{
	start(SITUATION_OUTDATED, 1, 0, false);
	tell((struct arbiter_event){ .kind = EVENT_SYNCED, .ok = true, .right = { 1, 1 } });
	tell_word(SITUATION_REPLICATING, 1, 1, true);
	assert_int_equal(state_now(), ARBITER_OUTDATED);
	assert_int_equal(arbiter.record.right.round, 1);
	tell((struct arbiter_event){ .kind = EVENT_BEAT, .right = { 1, 1 }, .number = 1 });
	assert_int_equal(state_now(), ARBITER_OUTDATED);
}

static void a_standby_without_a_copy_is_not_admitted(void **state)
{
	start(SITUATION_OUTDATED, 1, 0, false);
	tell((struct arbiter_event){ .kind = EVENT_BEAT, .right = { 1, 1 }, .number = 1 });
	tell((struct arbiter_event){ .kind = EVENT_SYNCED, .ok = true, .right = { 1, 2 } });
	tell((struct arbiter_event){ .kind = EVENT_BEAT, .right = { 1, 1 }, .number = 2 });
	assert_int_equal(state_now(), ARBITER_OUTDATED);
}

static void what_a_host_that_lost_its_memory_does(void **state)
{
	static const struct {
		enum situation situation;
		bool is_running;
		enum arbiter_state then;
	} rows[] = {
		{ SITUATION_NONE, false, ARBITER_IDLE },
		{ SITUATION_SOLO, false, ARBITER_COLD },
		{ SITUATION_SOLO, true, ARBITER_SOLO },
		{ SITUATION_REPLICATING, true, ARBITER_HOLDING },
		{ SITUATION_REPLICATING, false, ARBITER_GIVING },
		{ SITUATION_HANDED, false, ARBITER_HANDED },
		{ SITUATION_IN_SYNC, false, ARBITER_DROPPING },
		{ SITUATION_IN_SYNC, true, ARBITER_DROPPING },
		{ SITUATION_TAKING, true, ARBITER_DROPPING },
		{ SITUATION_OUTDATED, false, ARBITER_OUTDATED },
	};

	for (size_t n = 0; n < sizeof(rows) / sizeof(rows[0]); n++) {
		begin(NULL);
		start(rows[n].situation, 3, 1, rows[n].is_running);
		assert_int_equal(state_now(), rows[n].then);
		assert_int_equal(did_ask(ACTION_SOLO), rows[n].then == ARBITER_SOLO);
		assert_false(did_ask(ACTION_RELEASE));
	}
}

static void a_primary_that_was_restarted_waits_for_the_other_word(void **state)
{
	start(SITUATION_REPLICATING, 1, 1, false);
	tell((struct arbiter_event){ .kind = EVENT_WRITTEN, .ok = true });
	assert_int_equal(state_now(), ARBITER_HANDED);
	tell_members(true, true, true);
	pass(3 * config.window);
	assert_int_equal(state_now(), ARBITER_HANDED);
	tell_word(SITUATION_IN_SYNC, 1, 1, false);
	tell_word(SITUATION_NONE, 0, 0, false);
	assert_int_equal(state_now(), ARBITER_HANDED);
	tell_word(SITUATION_OUTDATED, 1, 1, false);
	assert_int_equal(state_now(), ARBITER_COLD);
	assert_true(did_ask(ACTION_START));
	tell((struct arbiter_event){ .kind = EVENT_STARTED, .ok = false });
	assert_true(did_alarm(ALARM_START_FAILED));
	pass(2100 * MS);
	tell((struct arbiter_event){ .kind = EVENT_STARTED, .ok = true });
	assert_int_equal(state_now(), ARBITER_SOLO);
}

static void a_switchover_hands_over_only_what_is_acknowledged(void **state)
{
	be_replicating();
	tell((struct arbiter_event){ .kind = EVENT_SWITCHOVER });
	assert_int_equal(state_now(), ARBITER_FLUSHING);
	assert_true(did_ask(ACTION_FLUSH));
	tell((struct arbiter_event){ .kind = EVENT_FLUSHED, .ok = false });
	assert_int_equal(state_now(), ARBITER_REPLICATING);
	assert_true(did_ask(ACTION_RESUME) && did_alarm(ALARM_SWITCH_FAILED));
	tell((struct arbiter_event){ .kind = EVENT_SWITCHOVER });
	tell((struct arbiter_event){ .kind = EVENT_FLUSHED, .ok = true });
	assert_int_equal(state_now(), ARBITER_HANDED);
	assert_int_equal(find(ACTION_SAY)->record.situation, SITUATION_HANDED);
	tell_word(SITUATION_OUTDATED, 1, 1, false); /* it could not */
	assert_int_equal(state_now(), ARBITER_SOLO);
	assert_true(did_ask(ACTION_RESUME));
}

/* Anything in any order, with any numbers: no assertion is broken, and what must hold of output holds. */
static void anything_in_any_order(void **state)
{
	static unsigned int seen[ARBITER_STATE_COUNT];
	uint64_t random = 88172645463325252ull;
	bool is_solo = false;

	for (int run = 0; run < 3000; run++) {
		begin(NULL);
		config = arbiter_defaults(run & 1, run & 2);
		config.risk_accepted = run & 4;
		start((enum situation)(run / 8 % SITUATION_COUNT), 1, 1, run & 64);
		is_solo = false;
		writes_at_once = run & 128;
		for (int n = 0; n < 300; n++) {
			struct arbiter_event event = { 0 };

			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			event.kind = (enum event_kind)(random % (EVENT_KIND_COUNT + 2));
			event.ok = random >> 8 & 3;
			event.is_quorate = random >> 10 & 3;
			event.is_peer_present = random >> 12 & 1;
			event.others_changed = (random >> 13 & 3) == 0;
			event.is_asking = random >> 15 & 1;
			event.situation = (enum situation)((random >> 16) % 9);
			event.right = arbiter.record.right;
			event.right.round += (random >> 20) % 3;
			event.right.generation += (random >> 22) % 16 == 0;
			event.number = (random >> 26 & 1) ? random : random >> 27 & 15;
			event.heard = (random >> 31 & 1) ? arbiter.sent : random >> 32;
			if ((random >> 40) % 64 == 0)
				now += 2000 * MS;
			now += (random >> 48) % 100 * MS;
			tell(event);
			assert_arbiter(&arbiter);
			seen[state_now()]++;
			for (unsigned int k = 0; k < did.count; k++) {
				if (did.list[k].kind == ACTION_HOLD)
					is_solo = false;
				if (did.list[k].kind == ACTION_SOLO)
					is_solo = true;
			}
			assert_true(!is_solo || state_now() == ARBITER_SOLO ||
			            state_now() == ARBITER_ENTERING);
		}
	}
	for (int at = 0; at < ARBITER_STATE_COUNT; at++)
		assert_true(seen[at] > 0);
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(refusals_name_the_risk_and_the_flag),
		TEST(the_lease_counts_from_when_the_beat_was_sent),
		TEST(replies_that_cannot_be_renew_nothing),
		TEST(an_outdated_standby_lets_the_primary_go_on),
		TEST(output_waits_until_solo_is_durable),
		TEST(a_silent_standby_is_outlived_by_its_window),
		TEST(broken_quorum_takes_time_out_of_the_proof),
		TEST(an_accepted_risk_does_not_cover_sleep),
		TEST(a_fenced_standby_lets_the_primary_go_on_at_once),
		TEST(a_peer_that_is_there_is_not_fenced),
		TEST(two_nodes_with_an_agent_need_it),
		TEST(a_higher_generation_is_given_way_to),
		TEST(a_claim_that_is_not_confirmed_is_not_given_way_to),
		TEST(a_standby_takes_over_when_the_lease_is_over),
		TEST(without_quorum_nobody_takes_over),
		TEST(a_host_that_slept_does_not_trust_what_it_knew),
		TEST(a_hypervisor_that_refuses_is_obeyed),
		TEST(a_fenced_primary_is_replaced_at_once),
		TEST(beats_that_cannot_be_prolong_nothing),
		TEST(a_standby_steps_back_when_asked),
		TEST(a_round_that_was_disowned_is_not_joined),
		TEST(a_standby_without_a_copy_is_not_admitted),
		TEST(what_a_host_that_lost_its_memory_does),
		TEST(a_primary_that_was_restarted_waits_for_the_other_word),
		TEST(a_switchover_hands_over_only_what_is_acknowledged),
		TEST(anything_in_any_order),
	};

	log_open("arbiter", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
