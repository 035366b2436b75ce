/* One arbiter, told what a test makes up, and what it has asked for. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>

#include "tests/unit/one_arbiter.h"

struct arbiter arbiter;
struct arbiter_config config;
struct arbiter_actions did;
uint64_t now;
bool writes_at_once;
uint64_t replies; /* the number of the simulated standby's last reply */

bool did_ask(enum action_kind kind)
{
	for (unsigned int n = 0; n < did.count; n++)
		if (did.list[n].kind == kind)
			return true;
	return false;
}

const struct arbiter_action *find(enum action_kind kind)
{
	for (unsigned int n = 0; n < did.count; n++)
		if (did.list[n].kind == kind)
			return &did.list[n];
	fail_msg("action %d was not asked for", kind);
	return NULL;
}

bool did_alarm(enum alarm alarm)
{
	for (unsigned int n = 0; n < did.count; n++)
		if (did.list[n].kind == ACTION_ALARM && did.list[n].alarm == alarm)
			return true;
	return false;
}

void tell(struct arbiter_event event)
{
	struct arbiter_actions all = { 0 }, more;

	arbiter_handle(&arbiter, &event, now, &all);
	for (unsigned int n = 0; n < all.count; n++) {
		if (all.list[n].kind != ACTION_WRITE || !writes_at_once)
			continue;
		arbiter_handle(&arbiter,
		               &(struct arbiter_event){ .kind = EVENT_WRITTEN, .ok = true }, now,
		               &more);
		assert_true(all.count + more.count <= ARBITER_ACTIONS_MAX);
		memcpy(&all.list[all.count], more.list, more.count * sizeof(more.list[0]));
		all.count += more.count;
	}
	did = all;
}

void tell_word(enum situation situation, uint64_t generation, uint64_t round, bool is_asking)
{
	tell((struct arbiter_event){ .kind = EVENT_WORD,
	                             .situation = situation,
	                             .right = { generation, round },
	                             .is_asking = is_asking });
}

void tell_members(bool is_quorate, bool is_peer_present, bool others_changed)
{
	tell((struct arbiter_event){ .kind = EVENT_MEMBERS,
	                             .is_quorate = is_quorate,
	                             .is_peer_present = is_peer_present,
	                             .others_changed = others_changed });
}

void pass(uint64_t duration)
{
	for (uint64_t end = now + duration; now < end;) {
		now += ARBITER_TICK;
		tell((struct arbiter_event){ .kind = EVENT_TICK });
	}
}

void start(enum situation situation, uint64_t generation, uint64_t round, bool is_running)
{
	struct record record = { situation, { generation, round }, 2 };

	arbiter_init(&arbiter, &config, "vm", &record, is_running, now, &did);
}

int begin(void **state)
{
	(void)state;
	now = 1000000 * MS;
	config = arbiter_defaults(false, true);
	writes_at_once = true;
	replies = 0;
	return 0;
}

enum arbiter_state state_now(void)
{
	return arbiter_state(&arbiter);
}

void tell_reply(uint64_t number, uint64_t beat)
{
	tell((struct arbiter_event){ .kind = EVENT_REPLY,
	                             .right = arbiter.record.right,
	                             .number = number,
	                             .heard = beat });
}

void tell_beat(uint64_t number, uint64_t reply)
{
	tell((struct arbiter_event){ .kind = EVENT_BEAT,
	                             .right = arbiter.record.right,
	                             .number = number,
	                             .heard = reply });
}

void be_replicating(void)
{
	start(SITUATION_NONE, 0, 0, false);
	tell((struct arbiter_event){ .kind = EVENT_ADOPT, .peer = 2 });
	assert_int_equal(state_now(), ARBITER_SOLO);
	tell_members(true, true, true);
	tell_word(SITUATION_NONE, 0, 0, false);
	assert_int_equal(find(ACTION_SYNC)->right.round, 1);
	pass(3000 * MS);
	tell((struct arbiter_event){ .kind = EVENT_SYNCED, .ok = true });
	assert_int_equal(state_now(), ARBITER_HOLDING);
	assert_true(did_ask(ACTION_HOLD));
	tell_reply(++replies, arbiter.sent);
	assert_int_equal(state_now(), ARBITER_REPLICATING);
	assert_true(did_alarm(ALARM_PROTECTED));
}

void be_in_sync(void)
{
	start(SITUATION_NONE, 0, 0, false);
	tell_members(true, true, true);
	tell((struct arbiter_event){ .kind = EVENT_SYNCED, .ok = true, .right = { 1, 1 } });
	tell((struct arbiter_event){ .kind = EVENT_BEAT, .right = { 1, 1 }, .number = 1 });
	assert_int_equal(state_now(), ARBITER_IN_SYNC);
	assert_false(did_ask(ACTION_REPLY));
	tell_beat(2, 0);
	pass(1000 * MS);
	tell_beat(3, 1);
	assert_int_equal(state_now(), ARBITER_IN_SYNC);
	assert_int_equal(find(ACTION_REPLY)->number, 2);
}
