/* Arbiters of two hosts against each other, with everything that goes wrong, on a clock moved by hand (I5, I6). */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: fencing/arbiter/arbiter.c fencing/arbiter/moves.c fencing/arbiter/rules.c fencing/arbiter/beats.c fencing/arbiter/actions.c fencing/generation/record.c common/states.c common/log.c */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/log.h"
#include "fencing/arbiter/arbiter.h"

/*
 *      a --- replication --- b          each host: memory (arbiter, VM or copy), a record that outlives it,
 *       \                   /           a clock that may run a little fast, sleep, crash, reboot
 *        `---- cluster ----'            both nets: cut, cut one way, late; the cluster: views of it that
 *               |                       lag by up to view_lag, a quorum device that votes for one partition
 *            quorum
 *
 * The world keeps the state that clients have seen: a counter that the VM raises at each step that lets
 * output out. A copy that runs with less than that (I6), or two that let out at once (I5), ends the test.
 */

#define MS       1000000ull
#define STEP     (10 * MS)
#define MESSAGES 256

enum net { REPLICATION, CLUSTER };

struct message {
	bool in_use;
	int to;
	uint64_t at; /* arrives */
	enum net net;
	struct arbiter_event event;
	uint64_t state; /* a beat carries the state of the VM; the reply says which was staged */
};

struct host {
	bool is_on, is_hung;
	uint64_t boot_at, wake_at;
	uint64_t rate; /* its clock, in millionths of ours */
	struct arbiter arbiter;
	struct record record;
	bool has_vm; /* it runs, paused or not */
	bool is_paused;
	bool has_copy;  /* standby's shadow */
	uint64_t state; /* of the VM or the copy */
	uint64_t acked; /* of the state that the standby has confirmed */
	uint64_t beat_states[ARBITER_BEATS];
	enum { OUT_HOLD, OUT_LEASE, OUT_ALL } output;
	uint64_t until;
	uint64_t write_done_at, fence_done_at, sync_done_at, drop_done_at, start_done_at,
		flush_done_at;
	uint64_t activate_at, activate_until;
	struct record writing;
	struct right syncing;
	bool is_quorate, is_peer_present; /* the view, which lags */
	uint64_t view_at;
	bool view_quorate, view_peer, view_lost; /* lost: quorum was, since the last view */
	uint64_t next_tick;
};

static struct host hosts[2];
static struct message messages[MESSAGES];
static uint64_t now, seen; /* seen: the highest state whose output left */
static int last_out;       /* the host that let it out */
static bool cut[2][2];     /* [net][from] */
static bool device_up[2], device_owner_is_set;
static int device_owner;
static bool agent_works, is_unlucky;
static uint64_t random_state, seed_now;
static struct arbiter_config config;
static unsigned int takeovers, solos;
static unsigned int alarms[ALARM_COUNT];
static char trace[1 << 18];
static size_t trace_length;

static void say(const char *format, ...)
{
	va_list args;

	if (trace_length > sizeof(trace) - 256)
		trace_length = 0;
	trace_length += (size_t)snprintf(trace + trace_length, 40, "%8.2f ",
	                                 (double)now / 1e9 - 1000);
	va_start(args, format);
	trace_length += (size_t)vsnprintf(trace + trace_length, 200, format, args);
	va_end(args);
	trace[trace_length++] = '\n';
	trace[trace_length] = '\0';
}

static void broken(const char *what)
{
	fputs(trace_length > 9000 ? trace + trace_length - 9000 : trace, stderr);
	fail_msg("seed %lu: %s at %.2f s", (unsigned long)seed_now, what, (double)now / 1e9 - 1000);
}

static uint64_t random_below(uint64_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % limit;
}

/* A host's own clock; what it counts from is its own, too. */
static uint64_t clock_of(const struct host *host)
{
	return now + (now - 1000000 * MS) / 1000000 * host->rate + (host == hosts ? 0 : 777 * MS);
}

static void do_actions(int me, const struct arbiter_actions *actions);

static void tell(int me, struct arbiter_event event)
{
	struct arbiter_actions actions;
	enum arbiter_state before = arbiter_state(&hosts[me].arbiter);

	arbiter_handle(&hosts[me].arbiter, &event, clock_of(&hosts[me]), &actions);
	if (arbiter_state(&hosts[me].arbiter) != before)
		say("%c: state %d -> %d (event %d)", 'a' + me, before,
		    arbiter_state(&hosts[me].arbiter), event.kind);
	do_actions(me, &actions);
}

static void send(int from, enum net net, struct arbiter_event event, uint64_t state)
{
	uint64_t delay = (1 + random_below(20)) * MS;

	if (cut[net][from])
		return;
	if (random_below(50) ==
	    0) /* a retransmission; the cluster's messages die with the membership */
		delay += random_below(net == REPLICATION ? 3000 : 200) * MS;
	for (int n = 0; n < MESSAGES; n++) {
		if (messages[n].in_use)
			continue;
		messages[n] = (struct message){ true, !from, now + delay, net, event, state };
		return;
	}
}

static void alarm_given(int me, enum alarm alarm)
{
	alarms[alarm]++;
	say("%c: %s", 'a' + me, alarm_name(alarm));
}

static void do_action(int me, const struct arbiter_action *action)
{
	struct host *host = &hosts[me];

	switch (action->kind) {
	case ACTION_WRITE:
		host->writing = action->record;
		host->write_done_at = now + (1 + random_below(30)) * MS;
		if (is_unlucky && random_below(30) == 0)
			host->write_done_at += random_below(8000) * MS;
		break;
	case ACTION_RELEASE:
		host->output = OUT_LEASE;
		host->until = action->until;
		break;
	case ACTION_SOLO:
		host->output = OUT_ALL;
		solos++;
		break;
	case ACTION_HOLD:
		host->output = OUT_HOLD;
		break;
	case ACTION_BEAT:
		host->beat_states[action->number % ARBITER_BEATS] = host->state;
		send(me, REPLICATION,
		     (struct arbiter_event){ .kind = EVENT_BEAT,
		                             .right = action->right,
		                             .number = action->number,
		                             .heard = action->heard },
		     host->state);
		break;
	case ACTION_REPLY:
		send(me, REPLICATION,
		     (struct arbiter_event){ .kind = EVENT_REPLY,
		                             .right = action->right,
		                             .number = action->number,
		                             .heard = action->heard },
		     host->state);
		break;
	case ACTION_SAY:
		send(me, CLUSTER,
		     (struct arbiter_event){ .kind = EVENT_WORD,
		                             .right = action->record.right,
		                             .situation = action->record.situation,
		                             .is_asking = action->is_asking },
		     0);
		break;
	case ACTION_FENCE:
		host->fence_done_at = now + (50 + random_below(400)) * MS;
		break;
	case ACTION_SYNC:
		host->syncing = action->right;
		host->sync_done_at = now + (200 + random_below(500)) * MS;
		break;
	case ACTION_TAKE_OVER:
		host->activate_at = now + (1 + random_below(20)) * MS;
		host->activate_until = action->until;
		break;
	case ACTION_DROP:
		host->drop_done_at = now + (1 + random_below(50)) * MS;
		break;
	case ACTION_START:
		host->start_done_at = now + (100 + random_below(300)) * MS;
		break;
	case ACTION_FLUSH:
		host->is_paused = true;
		host->flush_done_at = now + 500 * MS;
		break;
	case ACTION_RESUME:
		host->is_paused = false;
		break;
	case ACTION_ALARM:
		alarm_given(me, action->alarm);
		break;
	}
}

static void do_actions(int me, const struct arbiter_actions *actions)
{
	for (unsigned int n = 0; n < actions->count; n++)
		do_action(me, &actions->list[n]);
}

/* --- what a host does as time goes by --- */

static bool is_due(uint64_t *at)
{
	if (!*at || now < *at)
		return false;
	*at = 0;
	return true;
}

static void finish_fence(int me)
{
	struct host *peer = &hosts[!me];

	if (agent_works && (!is_unlucky || random_below(4))) {
		say("%c: fenced %c", 'a' + me, 'a' + !me);
		peer->is_on = false;
		peer->boot_at = now + (3000 + random_below(20000)) * MS;
		tell(me, (struct arbiter_event){ .kind = EVENT_FENCED, .ok = true });
	} else {
		tell(me, (struct arbiter_event){ .kind = EVENT_FENCED, .ok = false });
	}
}

static void finish_sync(int me)
{
	struct host *peer = &hosts[!me];
	bool ok = peer->is_on && !peer->is_hung && !cut[REPLICATION][0] && !cut[REPLICATION][1] &&
	          !peer->has_vm;

	if (ok) {
		peer->has_copy = true;
		peer->state = hosts[me].state;
		tell(!me, (struct arbiter_event){
				  .kind = EVENT_SYNCED, .ok = true, .right = hosts[me].syncing });
	}
	tell(me, (struct arbiter_event){ .kind = EVENT_SYNCED, .ok = ok });
}

static void finish_activate(int me)
{
	struct host *host = &hosts[me];
	bool ok = host->has_copy && clock_of(host) <= host->activate_until;

	if (ok) {
		host->has_vm = true;
		host->has_copy = host->is_paused = false;
		host->output = OUT_HOLD;
		takeovers++;
	}
	tell(me, (struct arbiter_event){ .kind = EVENT_ACTIVATED, .ok = ok });
}

static void finish_jobs(int me)
{
	struct host *host = &hosts[me];

	if (is_due(&host->write_done_at)) {
		bool ok = !is_unlucky || random_below(40) != 0;

		if (ok)
			host->record = host->writing;
		tell(me, (struct arbiter_event){ .kind = EVENT_WRITTEN, .ok = ok });
	}
	if (is_due(&host->fence_done_at))
		finish_fence(me);
	if (is_due(&host->sync_done_at))
		finish_sync(me);
	if (is_due(&host->activate_at))
		finish_activate(me);
	if (is_due(&host->drop_done_at)) {
		host->has_vm = host->has_copy = false;
		tell(me, (struct arbiter_event){ .kind = EVENT_DROPPED });
	}
	if (is_due(&host->start_done_at)) {
		/* Its disk holds all that it let out: the VM's own losses are those of a power cut. */
		host->has_vm = true;
		host->is_paused = false;
		tell(me, (struct arbiter_event){ .kind = EVENT_STARTED, .ok = true });
	}
	if (host->flush_done_at && (host->acked == host->state || is_due(&host->flush_done_at))) {
		host->flush_done_at = 0;
		tell(me, (struct arbiter_event){ .kind = EVENT_FLUSHED,
		                                 .ok = host->acked == host->state });
	}
}

static bool may_let_out(const struct host *host)
{
	return host->output == OUT_ALL ||
	       (host->output == OUT_LEASE && clock_of(host) < host->until);
}

/* The VM works, and lets out what it may. A host that hangs does neither. */
static void run_vm(int me)
{
	struct host *host = &hosts[me];
	uint64_t out = host->output == OUT_ALL ? host->state : host->acked;

	if (!host->has_vm)
		return;
	if (!host->is_paused)
		host->state++;
	if (!may_let_out(host) || (out <= seen && last_out == me))
		return;
	if (last_out != me && host->state < seen)
		broken("I6: a stale copy lets output out");
	if (out > seen) {
		seen = out;
		last_out = me;
	}
}

static void boot(int me)
{
	struct host *host = &hosts[me];
	struct record record = host->record;
	struct arbiter_actions actions;
	uint64_t rate = host->rate, state = host->state;

	say("%c: boots as %s %lu.%lu", 'a' + me, situation_name(record.situation),
	    (unsigned long)record.right.generation, (unsigned long)record.right.round);
	memset(host, 0, sizeof(*host));
	host->is_on = true;
	host->rate = rate;
	host->record = record;
	host->state = state;
	arbiter_init(&host->arbiter, &config, me ? "b" : "a", &record, false, clock_of(host),
	             &actions);
	do_actions(me, &actions);
	host->view_at = now;
}

static void run_host(int me)
{
	struct host *host = &hosts[me];

	if (!host->is_on) {
		if (is_due(&host->boot_at))
			boot(me);
		return;
	}
	if (host->is_hung) {
		if (!is_due(&host->wake_at))
			return;
		say("%c: wakes", 'a' + me);
		host->is_hung = false;
		/* Corosync slept, too. */
		if (host->view_at && host->view_at <= now)
			host->view_at = now + STEP;
	}
	/* Corosync on this host says what it had known before it slept; it learns later. */
	if (is_due(&host->view_at)) {
		if (host->view_lost)
			tell(me, (struct arbiter_event){ .kind = EVENT_MEMBERS });
		host->view_lost = false;
		host->is_quorate = host->view_quorate;
		host->is_peer_present = host->view_peer;
		tell(me, (struct arbiter_event){ .kind = EVENT_MEMBERS,
		                                 .is_quorate = host->view_quorate,
		                                 .is_peer_present = host->view_peer });
	}
	finish_jobs(me);
	if (now >= host->next_tick) {
		host->next_tick = now + 50 * MS;
		tell(me, (struct arbiter_event){ .kind = EVENT_TICK });
	}
	run_vm(me);
}

/* --- the world --- */

static bool sees(int from)
{
	return !cut[CLUSTER][0] && !cut[CLUSTER][1] && hosts[!from].is_on && !hosts[!from].is_hung;
}

/* The device votes for the partition that asked first and leaves it only when that one is gone. */
static void vote(void)
{
	if (sees(0) && sees(1)) {
		device_owner_is_set = false;
		return;
	}
	if (device_owner_is_set && device_up[device_owner] && hosts[device_owner].is_on &&
	    !hosts[device_owner].is_hung)
		return;
	device_owner_is_set = false;
	for (int tries = 0, host = (int)random_below(2); tries < 2; tries++, host = !host) {
		if (device_up[host] && hosts[host].is_on && !hosts[host].is_hung) {
			device_owner_is_set = true;
			device_owner = host;
			return;
		}
	}
}

static void look_around(int me)
{
	struct host *host = &hosts[me];
	bool peer = sees(me) && hosts[me].is_on;
	bool quorate = peer || (device_owner_is_set && device_owner == me);

	if (!config.quorum_decides)
		quorate = true;
	/* What happens while it hangs leaves no trace. */
	if (!quorate && !host->is_hung)
		host->view_lost = true;
	if (!host->is_on || (peer == host->view_peer && quorate == host->view_quorate))
		return;
	host->view_peer = peer;
	host->view_quorate = quorate;
	host->view_at = now + (uint64_t)(100 + random_below(490)) * MS;
}

static void deliver(void)
{
	for (int n = 0; n < MESSAGES; n++) {
		struct message *message = &messages[n];
		struct host *host = &hosts[message->to];

		if (!message->in_use || now < message->at || (host->is_on && host->is_hung))
			continue;
		message->in_use = false;
		if (!host->is_on)
			continue;
		if (message->event.kind == EVENT_BEAT && host->has_copy &&
		    right_compare(message->event.right, host->arbiter.record.right) == 0 &&
		    arbiter_state(&host->arbiter) <= ARBITER_ALONE && message->state > host->state)
			host->state = message->state;
		if (message->event.kind == EVENT_REPLY && message->state > host->acked &&
		    message->state <= host->state)
			host->acked = message->state;
		tell(message->to, message->event);
	}
}

static void check(void)
{
	if (hosts[0].is_on && hosts[1].is_on && hosts[0].has_vm && hosts[1].has_vm &&
	    !hosts[0].is_hung && !hosts[1].is_hung && may_let_out(&hosts[0]) &&
	    may_let_out(&hosts[1]))
		broken("I5: both hosts let output out");
}

static void misfortune(void)
{
	int host = (int)random_below(2);

	switch (random_below(12)) {
	case 0:
		if (!hosts[host].is_on)
			break;
		say("%c: crashes", 'a' + host);
		hosts[host].is_on = false;
		hosts[host].boot_at = now + (2000 + random_below(20000)) * MS;
		break;
	case 1:
	case 2:
		if (!hosts[host].is_on || hosts[host].is_hung)
			break;
		hosts[host].is_hung = true;
		/* Longer, and its watchdog would have reset it. */
		hosts[host].wake_at = now + (50 + random_below(950)) * MS;
		say("%c: hangs", 'a' + host);
		break;
	case 3:
		cut[REPLICATION][host] = true;
		say("replication from %c cut", 'a' + host);
		break;
	case 4:
		cut[CLUSTER][0] = cut[CLUSTER][1] = true;
		say("cluster cut");
		break;
	case 5:
		cut[REPLICATION][0] = cut[REPLICATION][1] = cut[CLUSTER][0] = cut[CLUSTER][1] =
			true;
		say("all cut");
		break;
	case 6:
		device_up[host] = false;
		say("device lost for %c", 'a' + host);
		break;
	case 7:
		say("%c: switchover ordered", 'a' + host);
		if (hosts[host].is_on && !hosts[host].is_hung)
			tell(host, (struct arbiter_event){ .kind = EVENT_SWITCHOVER });
		break;
	default:
		memset(cut, 0, sizeof(cut));
		device_up[0] = device_up[1] = true;
		say("links and device mended");
	}
}

static void run(uint64_t duration, bool with_misfortune)
{
	uint64_t end = now + duration;

	is_unlucky = with_misfortune;
	for (; now < end; now += STEP) {
		if (with_misfortune && random_below(150) == 0)
			misfortune();
		vote();
		for (int me = 0; me < 2; me++) {
			look_around(me);
			run_host(me);
			check();
		}
		deliver();
		check();
	}
}

static void begin_world(uint64_t seed, bool has_agent, bool quorum_decides)
{
	seed_now = seed;
	random_state = seed * 0x9e3779b97f4a7c15ull + 1;
	memset(hosts, 0, sizeof(hosts));
	memset(messages, 0, sizeof(messages));
	memset(cut, 0, sizeof(cut));
	memset(alarms, 0, sizeof(alarms));
	now = 1000000 * MS;
	seen = 0;
	last_out = 0;
	trace_length = 0;
	takeovers = solos = 0;
	device_up[0] = device_up[1] = true;
	device_owner_is_set = false;
	agent_works = has_agent;
	config = arbiter_defaults(has_agent, quorum_decides);
	config.window = 5000 * MS;
	assert_null(arbiter_refusal(&config));
	for (int me = 0; me < 2; me++) {
		hosts[me].rate = random_below(900);
		boot(me);
	}
	run(1000 * MS, false);
	hosts[0].has_vm = true;
	tell(0, (struct arbiter_event){ .kind = EVENT_ADOPT, .peer = 2 });
	run(3000 * MS, false);
}

static int primary(void)
{
	for (int me = 0; me < 2; me++)
		if (hosts[me].is_on && hosts[me].has_vm && !hosts[me].is_paused)
			return me;
	return -1;
}

static bool is_protected(void)
{
	return primary() >= 0 && arbiter_state(&hosts[primary()].arbiter) == ARBITER_REPLICATING &&
	       arbiter_state(&hosts[!primary()].arbiter) == ARBITER_IN_SYNC;
}

static void assert_protected(void)
{
	if (!is_protected())
		broken("it is not protected");
}

static void mend_all(void)
{
	memset(cut, 0, sizeof(cut));
	device_up[0] = device_up[1] = true;
}

/* --- tests --- */

static void a_vm_gets_protected(void **state)
{
	begin_world(1, false, true);
	assert_protected();
	assert_int_equal(alarms[ALARM_PROTECTED], 1);
	assert_int_equal(alarms[ALARM_CONFLICT], 0);
}

static void crash_primary(bool has_agent, bool quorum_decides, uint64_t most)
{
	begin_world(2, has_agent, quorum_decides);
	assert_protected();
	say("a: killed");
	hosts[0].is_on = false;
	for (uint64_t begin = now; primary() != 1; run(STEP, false))
		if (now > begin + most)
			broken("nobody takes over");
	hosts[0].boot_at = now + 3000 * MS;
	run(10000 * MS, false);
	assert_protected();
	assert_int_equal(primary(), 1);
	assert_int_equal(takeovers, 1);
	assert_int_equal(hosts[1].record.right.generation, 2);
}

static void a_dead_primary_is_replaced_and_returns_as_standby(void **state)
{
	crash_primary(false, true, 4000 * MS);
	crash_primary(true, true, 4000 * MS);
	crash_primary(true, false, 8000 * MS);
}

static void a_dead_standby_is_gone_on_without(void **state)
{
	begin_world(3, false, true);
	say("b: killed");
	hosts[1].is_on = false;
	run(8000 * MS, false);
	assert_int_equal(arbiter_state(&hosts[0].arbiter), ARBITER_SOLO);
	hosts[1].boot_at = now;
	run(5000 * MS, false);
	assert_protected();
	assert_int_equal(takeovers, 0);
}

static void a_cut_of_replication_alone_ends_protection_not_the_vm(void **state)
{
	for (int way = 0; way < 3; way++) {
		begin_world(4 + (uint64_t)way, false, true);
		cut[REPLICATION][0] = way != 1;
		cut[REPLICATION][1] = way != 0;
		run(4000 * MS, false);
		assert_int_equal(arbiter_state(&hosts[0].arbiter), ARBITER_SOLO);
		assert_int_equal(arbiter_state(&hosts[1].arbiter), ARBITER_OUTDATED);
		mend_all();
		run(5000 * MS, false);
		assert_protected();
		assert_int_equal(takeovers, 0);
	}
}

static void a_cut_of_the_cluster_alone_changes_nothing(void **state)
{
	begin_world(8, false, true);
	cut[CLUSTER][0] = cut[CLUSTER][1] = true;
	run(20000 * MS, false);
	assert_protected();
	assert_int_equal(takeovers, 0);
}

static void a_switchover_and_back(void **state)
{
	begin_world(9, false, true);
	for (int from = 0; from < 2; from++) {
		tell(from, (struct arbiter_event){ .kind = EVENT_SWITCHOVER });
		run(4000 * MS, false);
		assert_int_equal(primary(), !from);
		assert_protected();
	}
	assert_int_equal(takeovers, 2);
}

static void all_powered_off_and_on(void **state)
{
	begin_world(10, false, true);
	hosts[0].is_on = hosts[1].is_on = false;
	hosts[0].boot_at = now + 9000 * MS;
	hosts[1].boot_at = now + 5000 * MS;
	run(20000 * MS, false);
	assert_protected();
	assert_int_equal(primary(), 0);
}

static void a_primary_cut_off_stays_silent_and_gives_way(void **state)
{
	begin_world(11, false, true);
	cut[REPLICATION][0] = cut[REPLICATION][1] = cut[CLUSTER][0] = cut[CLUSTER][1] = true;
	device_up[0] = false;
	run(6000 * MS, false);
	assert_true(hosts[1].has_vm && hosts[1].output == OUT_ALL);
	assert_true(hosts[0].has_vm && !may_let_out(&hosts[0]));
	mend_all();
	run(6000 * MS, false);
	assert_protected();
	assert_int_equal(primary(), 1);
	assert_int_equal(alarms[ALARM_DROPPED], 1);
}

/* The partition that has the device changes sides: the old primary must not go on by time alone. */
static void quorum_that_changes_sides_decides_nothing(void **state)
{
	begin_world(12, false, true);
	cut[REPLICATION][0] = cut[REPLICATION][1] = cut[CLUSTER][0] = cut[CLUSTER][1] = true;
	device_up[0] = false;
	run(5000 * MS, false);
	if (!hosts[1].has_vm)
		broken("nobody took over");
	hosts[1].is_on = false; /* dies with all that clients have seen since */
	device_up[0] = true;
	run(30000 * MS, false);
	assert_true(hosts[0].is_quorate);
	assert_int_equal(arbiter_state(&hosts[0].arbiter), ARBITER_HOLDING);
	assert_true(alarms[ALARM_UNDECIDED] >= 1);
	mend_all();
	hosts[1].boot_at = now;
	run(10000 * MS, false);
	assert_protected();
	assert_int_equal(primary(), 1);
}

/* The vote goes over as the window ends, and a naps, unnoticed, as it is due to hear of that. */
static void a_nap_hides_no_takeover(void **state)
{
	struct host *a = &hosts[0], *b = &hosts[1];
	uint64_t window_end;

	begin_world(13, false, true);
	cut[REPLICATION][1] = true;
	run(200 * MS, false);
	cut[REPLICATION][0] = cut[CLUSTER][0] = cut[CLUSTER][1] = true;
	device_up[1] = false;
	run(100 * MS, false);
	window_end = now + b->arbiter.window_end - clock_of(b);
	run(window_end - 80 * MS - now, false);
	assert_true(arbiter_state(&a->arbiter) == ARBITER_HOLDING && a->is_quorate);
	assert_int_equal(arbiter_state(&b->arbiter), ARBITER_ALONE);
	device_up[0] = false;
	device_up[1] = true;
	run(STEP, false);
	b->view_at = now;
	a->view_at = now + config.view_lag;
	run(540 * MS, false);
	assert_true(b->has_vm && b->output == OUT_ALL);
	for (uint64_t tick = a->next_tick; a->next_tick == tick;)
		run(STEP, false);
	a->view_at = now;
	a->is_hung = true;
	a->wake_at = now + 230 * MS;
	run(2000 * MS, false);
	assert_int_equal(arbiter_state(&a->arbiter), ARBITER_HOLDING);
}

static unsigned int misfortunes(bool has_agent, bool quorum_decides, uint64_t seeds)
{
	const char *first = getenv("SIM_FIRST");
	uint64_t seed = first ? strtoull(first, NULL, 10) : 1;
	unsigned int sum = 0;

	for (uint64_t end = seed + seeds; seed < end; seed++) {
		begin_world(seed, has_agent, quorum_decides);
		run(120000 * MS, true);
		mend_all();
		/* Progress: when all is mended, one runs, and the other protects it. */
		run(70000 * MS, false);
		if (!is_protected())
			broken("all is mended and it is not protected");
		sum += takeovers;
	}
	return sum;
}

static uint64_t seeds(void)
{
	const char *given = getenv("SIM_SEEDS");

	return given ? strtoull(given, NULL, 10) : 30;
}

static void misfortunes_with_quorum_and_lease(void **state)
{
	print_message("%u takeovers\n", misfortunes(false, true, seeds()));
}

static void misfortunes_with_quorum_and_an_agent(void **state)
{
	print_message("%u takeovers\n", misfortunes(true, true, seeds()));
}

static void misfortunes_of_two_nodes_with_an_agent(void **state)
{
	print_message("%u takeovers\n", misfortunes(true, false, seeds()));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_vm_gets_protected),
		cmocka_unit_test(a_dead_primary_is_replaced_and_returns_as_standby),
		cmocka_unit_test(a_dead_standby_is_gone_on_without),
		cmocka_unit_test(a_cut_of_replication_alone_ends_protection_not_the_vm),
		cmocka_unit_test(a_cut_of_the_cluster_alone_changes_nothing),
		cmocka_unit_test(a_switchover_and_back),
		cmocka_unit_test(all_powered_off_and_on),
		cmocka_unit_test(a_primary_cut_off_stays_silent_and_gives_way),
		cmocka_unit_test(quorum_that_changes_sides_decides_nothing),
		cmocka_unit_test(a_nap_hides_no_takeover),
		cmocka_unit_test(misfortunes_with_quorum_and_lease),
		cmocka_unit_test(misfortunes_with_quorum_and_an_agent),
		cmocka_unit_test(misfortunes_of_two_nodes_with_an_agent),
	};

	log_open("sim", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
