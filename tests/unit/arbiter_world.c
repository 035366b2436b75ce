/* The world of two simulated hosts: nets, votes, misfortunes, and what must never be. */
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

struct host hosts[2];
struct message messages[MESSAGES];
uint64_t now, seen; /* seen: the highest state whose output left */
int last_out;       /* the host that let it out */
bool cut[2][2];     /* [net][from] */
bool device_up[2];
static bool device_owner_is_set;
static int device_owner;
bool agent_works, is_unlucky;
static uint64_t random_state, seed_now;
struct arbiter_config config;
unsigned int takeovers, solos;
unsigned int alarms[ALARM_COUNT];
static char trace[1 << 18];
static size_t trace_length;

void world_say(const char *format, ...)
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

void world_broken(const char *what)
{
	fputs(trace_length > 9000 ? trace + trace_length - 9000 : trace, stderr);
	fail_msg("seed %lu: %s at %.2f s", (unsigned long)seed_now, what, (double)now / 1e9 - 1000);
}

uint64_t world_random(uint64_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % limit;
}

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
	for (int tries = 0, host = (int)world_random(2); tries < 2; tries++, host = !host) {
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
	host->view_at = now + (uint64_t)(100 + world_random(490)) * MS;
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
		host_tell(message->to, message->event);
	}
}

static void check(void)
{
	if (hosts[0].is_on && hosts[1].is_on && hosts[0].has_vm && hosts[1].has_vm &&
	    !hosts[0].is_hung && !hosts[1].is_hung && host_may_let_out(&hosts[0]) &&
	    host_may_let_out(&hosts[1]))
		world_broken("I5: both hosts let output out");
}

static void misfortune(void)
{
	int host = (int)world_random(2);

	switch (world_random(12)) {
	case 0:
		if (!hosts[host].is_on)
			break;
		world_say("%c: crashes", 'a' + host);
		hosts[host].is_on = false;
		hosts[host].boot_at = now + (2000 + world_random(20000)) * MS;
		break;
	case 1:
	case 2:
		if (!hosts[host].is_on || hosts[host].is_hung)
			break;
		hosts[host].is_hung = true;
		/* Longer, and its watchdog would have reset it. */
		hosts[host].wake_at = now + (50 + world_random(950)) * MS;
		world_say("%c: hangs", 'a' + host);
		break;
	case 3:
		cut[REPLICATION][host] = true;
		world_say("replication from %c cut", 'a' + host);
		break;
	case 4:
		cut[CLUSTER][0] = cut[CLUSTER][1] = true;
		world_say("cluster cut");
		break;
	case 5:
		cut[REPLICATION][0] = cut[REPLICATION][1] = cut[CLUSTER][0] = cut[CLUSTER][1] =
			true;
		world_say("all cut");
		break;
	case 6:
		device_up[host] = false;
		world_say("device lost for %c", 'a' + host);
		break;
	case 7:
		world_say("%c: switchover ordered", 'a' + host);
		if (hosts[host].is_on && !hosts[host].is_hung)
			host_tell(host, (struct arbiter_event){ .kind = EVENT_SWITCHOVER });
		break;
	default:
		memset(cut, 0, sizeof(cut));
		device_up[0] = device_up[1] = true;
		world_say("links and device mended");
	}
}

void world_run(uint64_t duration, bool with_misfortune)
{
	uint64_t end = now + duration;

	is_unlucky = with_misfortune;
	for (; now < end; now += STEP) {
		if (with_misfortune && world_random(150) == 0)
			misfortune();
		vote();
		for (int me = 0; me < 2; me++) {
			look_around(me);
			host_run(me);
			check();
		}
		deliver();
		check();
	}
}

void world_begin(uint64_t seed, bool has_agent, bool quorum_decides)
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
		hosts[me].rate = world_random(900);
		host_boot(me);
	}
	world_run(1000 * MS, false);
	hosts[0].has_vm = true;
	host_tell(0, (struct arbiter_event){ .kind = EVENT_ADOPT, .peer = 2 });
	world_run(3000 * MS, false);
}

int world_primary(void)
{
	for (int me = 0; me < 2; me++)
		if (hosts[me].is_on && hosts[me].has_vm && !hosts[me].is_paused)
			return me;
	return -1;
}

bool world_is_protected(void)
{
	return world_primary() >= 0 &&
	       arbiter_state(&hosts[world_primary()].arbiter) == ARBITER_REPLICATING &&
	       arbiter_state(&hosts[!world_primary()].arbiter) == ARBITER_IN_SYNC;
}

void world_assert_protected(void)
{
	if (!world_is_protected())
		world_broken("it is not protected");
}

void world_mend(void)
{
	memset(cut, 0, sizeof(cut));
	device_up[0] = device_up[1] = true;
}
