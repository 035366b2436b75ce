/* One simulated host: it does what its arbiter says, in its own time, and tells it what came of that. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/arbiter_world.h"

/* A host's own clock; what it counts from is its own, too. */
uint64_t host_clock(const struct host *host)
{
	return now + (now - 1000000 * MS) / 1000000 * host->rate + (host == hosts ? 0 : 777 * MS);
}

static void do_actions(int me, const struct arbiter_actions *actions);

void host_tell(int me, struct arbiter_event event)
{
	struct arbiter_actions actions;
	enum arbiter_state before = arbiter_state(&hosts[me].arbiter);

	arbiter_handle(&hosts[me].arbiter, &event, host_clock(&hosts[me]), &actions);
	if (arbiter_state(&hosts[me].arbiter) != before)
		world_say("%c: state %d -> %d (event %d)", 'a' + me, before,
		          arbiter_state(&hosts[me].arbiter), event.kind);
	do_actions(me, &actions);
}

static void send(int from, enum net net, struct arbiter_event event, uint64_t state)
{
	uint64_t delay = (1 + world_random(20)) * MS;

	if (cut[net][from])
		return;
	if (world_random(50) ==
	    0) /* a retransmission; the cluster's messages die with the membership */
		delay += world_random(net == REPLICATION ? 3000 : 200) * MS;
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
	world_say("%c: %s", 'a' + me, alarm_name(alarm));
}

/* What it says to the other host, over one net or the other. */
static void do_say(int me, const struct arbiter_action *action)
{
	struct host *host = &hosts[me];
	struct arbiter_event event = { .right = action->right,
		                       .number = action->number,
		                       .heard = action->heard };

	if (action->kind == ACTION_SAY) {
		send(me, CLUSTER,
		     (struct arbiter_event){ .kind = EVENT_WORD,
		                             .right = action->record.right,
		                             .situation = action->record.situation,
		                             .is_asking = action->is_asking },
		     0);
		return;
	}
	event.kind = action->kind == ACTION_BEAT ? EVENT_BEAT : EVENT_REPLY;
	if (action->kind == ACTION_BEAT)
		host->beat_states[action->number % ARBITER_BEATS] = host->state;
	send(me, REPLICATION, event, host->state);
}

/* What takes its time: when it will be done. */
static void do_begin(int me, const struct arbiter_action *action)
{
	struct host *host = &hosts[me];

	switch (action->kind) {
	case ACTION_WRITE:
		host->writing = action->record;
		host->write_done_at = now + (1 + world_random(30)) * MS;
		if (is_unlucky && world_random(30) == 0)
			host->write_done_at += world_random(8000) * MS;
		break;
	case ACTION_FENCE:
		host->fence_done_at = now + (50 + world_random(400)) * MS;
		break;
	case ACTION_SYNC:
		host->syncing = action->right;
		host->sync_done_at = now + (200 + world_random(500)) * MS;
		break;
	case ACTION_TAKE_OVER:
		host->activate_at = now + (1 + world_random(20)) * MS;
		host->activate_until = action->until;
		break;
	case ACTION_DROP:
		host->drop_done_at = now + (1 + world_random(50)) * MS;
		break;
	case ACTION_START:
		host->start_done_at = now + (100 + world_random(300)) * MS;
		break;
	default:
		host->is_paused = true;
		host->flush_done_at = now + 500 * MS;
	}
}

static void do_action(int me, const struct arbiter_action *action)
{
	struct host *host = &hosts[me];

	switch (action->kind) {
	case ACTION_BEAT:
	case ACTION_REPLY:
	case ACTION_SAY:
		do_say(me, action);
		break;
	case ACTION_WRITE:
	case ACTION_FENCE:
	case ACTION_SYNC:
	case ACTION_TAKE_OVER:
	case ACTION_DROP:
	case ACTION_START:
	case ACTION_FLUSH:
		do_begin(me, action);
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

	if (agent_works && (!is_unlucky || world_random(4))) {
		world_say("%c: fenced %c", 'a' + me, 'a' + !me);
		peer->is_on = false;
		peer->boot_at = now + (3000 + world_random(20000)) * MS;
		host_tell(me, (struct arbiter_event){ .kind = EVENT_FENCED, .ok = true });
	} else {
		host_tell(me, (struct arbiter_event){ .kind = EVENT_FENCED, .ok = false });
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
		host_tell(!me, (struct arbiter_event){ .kind = EVENT_SYNCED,
		                                       .ok = true,
		                                       .right = hosts[me].syncing });
	}
	host_tell(me, (struct arbiter_event){ .kind = EVENT_SYNCED, .ok = ok });
}

static void finish_activate(int me)
{
	struct host *host = &hosts[me];
	bool ok = host->has_copy && host_clock(host) <= host->activate_until;

	if (ok) {
		host->has_vm = true;
		host->has_copy = host->is_paused = false;
		host->output = OUT_HOLD;
		takeovers++;
	}
	host_tell(me, (struct arbiter_event){ .kind = EVENT_ACTIVATED, .ok = ok });
}

static void finish_jobs(int me)
{
	struct host *host = &hosts[me];

	if (is_due(&host->write_done_at)) {
		bool ok = !is_unlucky || world_random(40) != 0;

		if (ok)
			host->record = host->writing;
		host_tell(me, (struct arbiter_event){ .kind = EVENT_WRITTEN, .ok = ok });
	}
	if (is_due(&host->fence_done_at))
		finish_fence(me);
	if (is_due(&host->sync_done_at))
		finish_sync(me);
	if (is_due(&host->activate_at))
		finish_activate(me);
	if (is_due(&host->drop_done_at)) {
		host->has_vm = host->has_copy = false;
		host_tell(me, (struct arbiter_event){ .kind = EVENT_DROPPED });
	}
	if (is_due(&host->start_done_at)) {
		/* Its disk holds all that it let out: the VM's own losses are those of a power cut. */
		host->has_vm = true;
		host->is_paused = false;
		host_tell(me, (struct arbiter_event){ .kind = EVENT_STARTED, .ok = true });
	}
	if (host->flush_done_at && (host->acked == host->state || is_due(&host->flush_done_at))) {
		host->flush_done_at = 0;
		host_tell(me, (struct arbiter_event){ .kind = EVENT_FLUSHED,
		                                      .ok = host->acked == host->state });
	}
}

bool host_may_let_out(const struct host *host)
{
	return host->output == OUT_ALL ||
	       (host->output == OUT_LEASE && host_clock(host) < host->until);
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
	if (!host_may_let_out(host) || (out <= seen && last_out == me))
		return;
	if (last_out != me && host->state < seen)
		world_broken("I6: a stale copy lets output out");
	if (out > seen) {
		seen = out;
		last_out = me;
	}
}

void host_boot(int me)
{
	struct host *host = &hosts[me];
	struct record record = host->record;
	struct arbiter_actions actions;
	uint64_t rate = host->rate, state = host->state;

	world_say("%c: boots as %s %lu.%lu", 'a' + me, situation_name(record.situation),
	          (unsigned long)record.right.generation, (unsigned long)record.right.round);
	memset(host, 0, sizeof(*host));
	host->is_on = true;
	host->rate = rate;
	host->record = record;
	host->state = state;
	arbiter_init(&host->arbiter, &config, me ? "b" : "a", &record, false, host_clock(host),
	             &actions);
	do_actions(me, &actions);
	host->view_at = now;
}

void host_run(int me)
{
	struct host *host = &hosts[me];

	if (!host->is_on) {
		if (is_due(&host->boot_at))
			host_boot(me);
		return;
	}
	if (host->is_hung) {
		if (!is_due(&host->wake_at))
			return;
		world_say("%c: wakes", 'a' + me);
		host->is_hung = false;
		/* Corosync slept, too. */
		if (host->view_at && host->view_at <= now)
			host->view_at = now + STEP;
	}
	/* Corosync on this host says what it had known before it slept; it learns later. */
	if (is_due(&host->view_at)) {
		if (host->view_lost)
			host_tell(me, (struct arbiter_event){ .kind = EVENT_MEMBERS });
		host->view_lost = false;
		host->is_quorate = host->view_quorate;
		host->is_peer_present = host->view_peer;
		host_tell(me, (struct arbiter_event){ .kind = EVENT_MEMBERS,
		                                      .is_quorate = host->view_quorate,
		                                      .is_peer_present = host->view_peer });
	}
	finish_jobs(me);
	if (now >= host->next_tick) {
		host->next_tick = now + 50 * MS;
		host_tell(me, (struct arbiter_event){ .kind = EVENT_TICK });
	}
	run_vm(me);
}
