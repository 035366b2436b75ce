/* Who may run a VM: the states, what holds in them, and the events as facts. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "fencing/arbiter/arbiter.h"

#include <assert.h>
#include <string.h>

#include "fencing/arbiter/private.h"

/*
 *  primary                                                          standby
 *
 *  COLD ------> SOLO --> ENTERING --> HOLDING <--> REPLICATING      OUTDATED --> JOINING --> IN_SYNC <--> ALONE
 *    ^           ^ ^                   |  ^          |    |            ^                        |           |
 *    `---------- | `--- GOING_SOLO <---'--|----------'    v            |                        `---> CLAIMING
 *                |          ^             `---------- FLUSHING         |                                  v
 *                |          `-- HANDED <-- GIVING <-----'           MARKING <-- (late, asked)        ACTIVATING
 *                |                |                                    ^                                  v
 *                |                `--> DROPPING ----------------------'   <--(refused)               CONFIRMING
 *                `-----------------------------------------------------------------------------------------'
 *
 * What holds (assert_arbiter):
 *  1. Output leaves without acknowledgement only while SOLO is durable here (I1, I5).
 *  2. Acknowledged output leaves only while REPLICATING is durable and the lease lasts (I5).
 *  3. A copy is activated only when TAKING is durable, and only within the window (I6); what it sends is
 *     held until SOLO of the next generation is durable (I5).
 *  4. What was handed over or marked outdated is durable before it is said.
 *  5. A host that lost its memory never goes on by itself from REPLICATING, IN_SYNC or TAKING (I6): the
 *     first becomes HANDED and waits for the other's word, the others become OUTDATED.
 *  6. Every loss of protection is an alarm (I7).
 *
 * Who decides what: rules.c. What each state asks for and where it goes: moves.c. Lease and window: beats.c.
 */
#define B STATE_BIT
static const struct state arbiter_states[ARBITER_STATE_COUNT] = {
	[ARBITER_IDLE] = { "idle", B(ARBITER_GOING_SOLO) | B(ARBITER_JOINING) },
	[ARBITER_COLD] = { "cold", B(ARBITER_SOLO) | B(ARBITER_DROPPING) },
	[ARBITER_SOLO] = { "solo", B(ARBITER_ENTERING) | B(ARBITER_DROPPING) },
	[ARBITER_ENTERING] = { "entering", B(ARBITER_HOLDING) },
	[ARBITER_REPLICATING] = { "replicating", B(ARBITER_HOLDING) | B(ARBITER_GOING_SOLO) |
	                                                 B(ARBITER_FLUSHING) |
	                                                 B(ARBITER_DROPPING) },
	[ARBITER_HOLDING] = { "holding", B(ARBITER_REPLICATING) | B(ARBITER_GOING_SOLO) |
	                                         B(ARBITER_DROPPING) },
	[ARBITER_GOING_SOLO] = { "going solo", B(ARBITER_SOLO) | B(ARBITER_COLD) },
	[ARBITER_FLUSHING] = { "flushing", B(ARBITER_GIVING) | B(ARBITER_HOLDING) },
	[ARBITER_GIVING] = { "giving", B(ARBITER_HANDED) | B(ARBITER_HOLDING) },
	[ARBITER_HANDED] = { "handed", B(ARBITER_GOING_SOLO) | B(ARBITER_DROPPING) },
	[ARBITER_DROPPING] = { "dropping", B(ARBITER_MARKING) },
	[ARBITER_MARKING] = { "marking", B(ARBITER_OUTDATED) },
	[ARBITER_OUTDATED] = { "outdated",
	                       B(ARBITER_JOINING) | B(ARBITER_MARKING) | B(ARBITER_GOING_SOLO) },
	[ARBITER_JOINING] = { "joining", B(ARBITER_IN_SYNC) },
	[ARBITER_IN_SYNC] = { "in sync",
	                      B(ARBITER_ALONE) | B(ARBITER_MARKING) | B(ARBITER_CLAIMING) },
	[ARBITER_ALONE] = { "alone",
	                    B(ARBITER_IN_SYNC) | B(ARBITER_MARKING) | B(ARBITER_CLAIMING) },
	[ARBITER_CLAIMING] = { "claiming", B(ARBITER_ACTIVATING) | B(ARBITER_MARKING) },
	[ARBITER_ACTIVATING] = { "activating", B(ARBITER_CONFIRMING) | B(ARBITER_DROPPING) },
	[ARBITER_CONFIRMING] = { "confirming", B(ARBITER_SOLO) },
};
#undef B

/* The situation that is durable in each state; COUNT: more than one may be. */
static const enum situation durable[ARBITER_STATE_COUNT] = {
	[ARBITER_IDLE] = SITUATION_NONE,
	[ARBITER_COLD] = SITUATION_SOLO,
	[ARBITER_SOLO] = SITUATION_SOLO,
	[ARBITER_ENTERING] = SITUATION_SOLO,
	[ARBITER_REPLICATING] = SITUATION_REPLICATING,
	[ARBITER_HOLDING] = SITUATION_REPLICATING,
	[ARBITER_GOING_SOLO] = SITUATION_COUNT,
	[ARBITER_FLUSHING] = SITUATION_REPLICATING,
	[ARBITER_GIVING] = SITUATION_REPLICATING,
	[ARBITER_HANDED] = SITUATION_HANDED,
	[ARBITER_DROPPING] = SITUATION_COUNT,
	[ARBITER_MARKING] = SITUATION_COUNT,
	[ARBITER_OUTDATED] = SITUATION_OUTDATED,
	[ARBITER_JOINING] = SITUATION_COUNT,
	[ARBITER_IN_SYNC] = SITUATION_IN_SYNC,
	[ARBITER_ALONE] = SITUATION_IN_SYNC,
	[ARBITER_CLAIMING] = SITUATION_IN_SYNC,
	[ARBITER_ACTIVATING] = SITUATION_TAKING,
	[ARBITER_CONFIRMING] = SITUATION_TAKING,
};

void assert_arbiter(const struct arbiter *arbiter)
{
	unsigned int state = arbiter->machine.current;

	assert(state < ARBITER_STATE_COUNT);
	assert(durable[state] == SITUATION_COUNT || durable[state] == arbiter->record.situation);
	assert(state != ARBITER_SOLO || arbiter->is_running);
	assert(!arbiter->is_paused || arbiter->is_running);
	assert(state != ARBITER_CONFIRMING ||
	       arbiter->next.generation > arbiter->record.right.generation);
	assert(arbiter->awake_since <= arbiter->now && arbiter->unbroken_since <= arbiter->now);
}

struct arbiter_config arbiter_defaults(bool has_agent, bool quorum_decides)
{
	const uint64_t ms = 1000000;

	return (struct arbiter_config){
		.lease = 800 * ms,
		.enforcement = 1000 * ms,
		.window = (has_agent ? 60000 : 5000) * ms,
		.view_lag = ARBITER_VIEW_LAG,
		.margin = ARBITER_VIEW_LAG,
		.fence_delay = quorum_decides ? 0 : 1500 * ms,
		.rate_error = 1000,
		.has_agent = has_agent,
		.quorum_decides = quorum_decides,
	};
}

const char *arbiter_refusal(const struct arbiter_config *config)
{
	if (!config->has_agent && !config->quorum_decides && !config->risk_accepted)
		return "two nodes without a quorum device and without a fence agent: when they lose "
		       "sight of each other both would run the VM, and its data would split in two. "
		       "Configure a quorum device or a fence agent, or accept that risk with "
		       "--accept-split-brain";
	if (config->lease < 2 * ARBITER_TICK || config->lease > 60ull * 1000000000)
		return "the lease must be between 0.1 and 60 seconds";
	if (config->margin < config->view_lag)
		return "the margin must not be shorter than the lag of the membership's view";
	if (config->window <= config->lease + config->enforcement + 2 * config->margin)
		return "the window must be longer than the lease, its enforcement and two margins";
	if (config->rate_error > 100000)
		return "the error of the clocks' rate must not exceed a tenth";
	return NULL;
}

void arbiter_configure(struct arbiter *arbiter, const struct arbiter_config *config)
{
	arbiter->config = *config;
}

/* --- the start --- */

static enum arbiter_state first_state(const struct record *record, bool is_running)
{
	switch (record->situation) {
	case SITUATION_SOLO:
		return is_running ? ARBITER_SOLO : ARBITER_COLD;
	case SITUATION_REPLICATING:
		return is_running ? ARBITER_HOLDING : ARBITER_GIVING;
	case SITUATION_HANDED:
		return ARBITER_HANDED;
	case SITUATION_IN_SYNC:
	case SITUATION_TAKING:
		return ARBITER_DROPPING;
	case SITUATION_OUTDATED:
		return ARBITER_OUTDATED;
	default:
		return ARBITER_IDLE;
	}
}

/* A machine has no move into its first state: what it asks for on entry is asked for here. */
static void begin(struct arbiter *arbiter, struct arbiter_actions *actions)
{
	switch (arbiter->machine.current) {
	case ARBITER_SOLO:
		arbiter_act(actions, ACTION_SOLO);
		arbiter_alarm(actions, ALARM_UNPROTECTED);
		break;
	case ARBITER_OUTDATED:
		arbiter_alarm(actions, ALARM_OUTDATED);
		break;
	case ARBITER_DROPPING:
		arbiter_act(actions, ACTION_HOLD);
		arbiter_act(actions, ACTION_DROP);
		break;
	default:
		arbiter_act(actions, ACTION_HOLD);
	}
}

void arbiter_init(struct arbiter *arbiter, const struct arbiter_config *config, const char *vm,
                  const struct record *record, bool is_running, uint64_t now,
                  struct arbiter_actions *actions)
{
	enum arbiter_state first = first_state(record, is_running);

	actions->count = 0;
	memset(arbiter, 0, sizeof(*arbiter));
	arbiter->config = *config;
	machine_init(&arbiter->machine, arbiter_states, first, vm);
	arbiter->record = *record;
	arbiter->mark = record->right;
	arbiter->is_running = is_running && (record->situation == SITUATION_SOLO ||
	                                     record->situation == SITUATION_REPLICATING ||
	                                     record->situation == SITUATION_HANDED);
	arbiter->is_paused = arbiter->is_running && record->situation == SITUATION_HANDED;
	arbiter->now = arbiter->awake_since = arbiter->unbroken_since = arbiter->heard_at = now;
	begin(arbiter, actions);
	assert_arbiter(arbiter);
	arbiter_settle(arbiter, actions);
}

/* --- events: each changes what is known --- */

static void take_members(struct arbiter *arbiter, const struct arbiter_event *event,
                         struct arbiter_actions *actions)
{
	bool is_new = event->is_peer_present && !arbiter->is_peer_present;

	/* Who comes may bring what was decided where we were not. */
	if (!event->is_quorate || !arbiter->is_quorate || event->others_changed || is_new)
		arbiter->unbroken_since = arbiter->now;
	arbiter->is_quorate = event->is_quorate;
	arbiter->is_peer_present = event->is_peer_present;
	if (is_new)
		arbiter_say(arbiter, false, actions);
}

/* The sender's claim is a claim: what it means is the rules' business. */
static void take_word(struct arbiter *arbiter, const struct arbiter_event *event,
                      struct arbiter_actions *actions)
{
	if (event->situation >= SITUATION_COUNT || event->right.generation >> 62 ||
	    event->right.round >> 62)
		return;
	arbiter->has_word = true;
	arbiter->word.situation = event->situation;
	arbiter->word.right = event->right;
	arbiter->is_asked = event->is_asking;
	if (event->situation == SITUATION_SOLO && arbiter_is(arbiter, ARBITER_SOLO) &&
	    event->right.generation == arbiter->record.right.generation)
		arbiter_alarm(actions, ALARM_CONFLICT);
}

static void take_beat(struct arbiter *arbiter, const struct arbiter_event *event,
                      struct arbiter_actions *actions)
{
	if (arbiter_is(arbiter, ARBITER_IN_SYNC) || arbiter_is(arbiter, ARBITER_ALONE)) {
		arbiter_take_beat(arbiter, event, actions);
		return;
	}
	if (!arbiter_is(arbiter, ARBITER_OUTDATED) && !arbiter_is(arbiter, ARBITER_IDLE))
		return;
	if (right_compare(event->right, arbiter->synced) == 0 &&
	    right_compare(event->right, arbiter->record.right) > 0)
		arbiter_move(arbiter, ARBITER_JOINING, "the primary admits it", actions);
}

static void take_reply(struct arbiter *arbiter, const struct arbiter_event *event,
                       struct arbiter_actions *actions)
{
	bool is_releasing = arbiter_is(arbiter, ARBITER_REPLICATING) ||
	                    arbiter_is(arbiter, ARBITER_FLUSHING);
	uint64_t until = arbiter->lease_until;

	if (!is_releasing && !arbiter_is(arbiter, ARBITER_HOLDING))
		return;
	arbiter_take_reply(arbiter, event);
	if (is_releasing && arbiter->lease_until > until)
		arbiter_act(actions, ACTION_RELEASE)->until = arbiter->lease_until;
}

static void take_written(struct arbiter *arbiter, const struct arbiter_event *event,
                         struct arbiter_actions *actions)
{
	if (!arbiter->is_writing)
		return;
	arbiter->is_writing = false;
	if (event->ok) {
		arbiter->record = arbiter->pending;
		return;
	}
	arbiter->has_write_failed = true;
	arbiter->retry_at = arbiter->now + ARBITER_RETRY;
	arbiter_alarm(actions, ALARM_STORE_FAILED);
}

static void take_fenced(struct arbiter *arbiter, bool ok, struct arbiter_actions *actions)
{
	arbiter->is_fencing = false;
	if (ok) {
		arbiter->is_fenced = true;
		arbiter->fenced_at = arbiter->now;
		return;
	}
	arbiter->retry_at = arbiter->now + ARBITER_RETRY;
	arbiter_alarm(actions, ALARM_FENCE_FAILED);
}

static void take_synced(struct arbiter *arbiter, const struct arbiter_event *event)
{
	bool is_standby = arbiter_is(arbiter, ARBITER_OUTDATED) ||
	                  arbiter_is(arbiter, ARBITER_IDLE);

	if (is_standby && event->ok)
		arbiter->synced = event->right;
	if (!arbiter_is(arbiter, ARBITER_SOLO) || !arbiter->is_syncing)
		return;
	arbiter->answer = event->ok ? ANSWER_YES : ANSWER_NONE;
	if (!event->ok) {
		arbiter->is_syncing = false;
		arbiter->retry_at = arbiter->now + ARBITER_RETRY;
	}
}

static void take_started(struct arbiter *arbiter, bool ok, struct arbiter_actions *actions)
{
	arbiter->is_starting = false;
	if (arbiter_is(arbiter, ARBITER_COLD))
		arbiter->is_running = ok;
	if (ok)
		return;
	arbiter->retry_at = arbiter->now + ARBITER_RETRY;
	arbiter_alarm(actions, ALARM_START_FAILED);
}

static void take_adopt(struct arbiter *arbiter, uint32_t peer, struct arbiter_actions *actions)
{
	bool is_solo = arbiter_is(arbiter, ARBITER_SOLO) && !arbiter->is_syncing;

	if (!is_solo && !arbiter_is(arbiter, ARBITER_IDLE))
		return;
	arbiter->record.peer = peer;
	arbiter->word = (struct record){ SITUATION_NONE, { 0, 0 }, peer };
	arbiter->has_word = false;
	if (is_solo)
		return;
	arbiter->is_running = true;
	arbiter->next = (struct right){ 1, 0 };
	arbiter_move(arbiter, ARBITER_GOING_SOLO, "to be protected", actions);
}

/* An answer counts only in the state that asked. */
static void take_answer(struct arbiter *arbiter, enum arbiter_state asker, bool ok)
{
	if (arbiter_is(arbiter, asker))
		arbiter->answer = ok ? ANSWER_YES : ANSWER_NO;
}

static void take_order(struct arbiter *arbiter, enum event_kind kind)
{
	if (kind == EVENT_SWITCHOVER)
		arbiter->wants_switchover = arbiter_is(arbiter, ARBITER_REPLICATING);
	else
		arbiter->wants_solo = arbiter_is(arbiter, ARBITER_HOLDING) ||
		                      arbiter_is(arbiter, ARBITER_HANDED) ||
		                      arbiter_is(arbiter, ARBITER_OUTDATED);
}

static void take(struct arbiter *arbiter, const struct arbiter_event *event,
                 struct arbiter_actions *actions)
{
	switch (event->kind) {
	case EVENT_MEMBERS:
		take_members(arbiter, event, actions);
		break;
	case EVENT_BEAT:
		take_beat(arbiter, event, actions);
		break;
	case EVENT_REPLY:
		take_reply(arbiter, event, actions);
		break;
	case EVENT_WORD:
		take_word(arbiter, event, actions);
		break;
	case EVENT_WRITTEN:
		take_written(arbiter, event, actions);
		break;
	case EVENT_FENCED:
		take_fenced(arbiter, event->ok, actions);
		break;
	case EVENT_CONFIRMED:
		take_fenced(arbiter, true, actions);
		break;
	case EVENT_ADOPT:
		take_adopt(arbiter, event->peer, actions);
		break;
	case EVENT_SYNCED:
		take_synced(arbiter, event);
		break;
	case EVENT_ACTIVATED:
		take_answer(arbiter, ARBITER_ACTIVATING, event->ok);
		break;
	case EVENT_STARTED:
		take_started(arbiter, event->ok, actions);
		break;
	case EVENT_DROPPED:
		take_answer(arbiter, ARBITER_DROPPING, true);
		break;
	case EVENT_FLUSHED:
		take_answer(arbiter, ARBITER_FLUSHING, event->ok);
		break;
	case EVENT_SWITCHOVER:
	case EVENT_ORDERED_SOLO:
		take_order(arbiter, event->kind);
		break;
	default:
		break;
	}
}

void arbiter_handle(struct arbiter *arbiter, const struct arbiter_event *event, uint64_t now,
                    struct arbiter_actions *actions)
{
	assert(now >= arbiter->now);
	actions->count = 0;
	/* While it slept the votes may have been elsewhere, and are here again without a trace. */
	if (now - arbiter->now > ARBITER_GAP_MAX)
		arbiter->awake_since = arbiter->unbroken_since = now;
	arbiter->now = now;
	take(arbiter, event, actions);
	arbiter_settle(arbiter, actions);
	assert_arbiter(arbiter);
}

enum arbiter_state arbiter_state(const struct arbiter *arbiter)
{
	return (enum arbiter_state)arbiter->machine.current;
}
