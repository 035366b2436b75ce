/* Two hosts with an arbiter each, what may happen to them, and what clients see of the VM (I5, I6). */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef TESTS_UNIT_ARBITER_WORLD_H
#define TESTS_UNIT_ARBITER_WORLD_H

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

extern struct host hosts[2];
extern struct message messages[MESSAGES];
extern uint64_t now, seen;           /* ns; seen: the highest state whose output left */
extern int last_out;                 /* the host that let it out */
extern bool cut[2][2];               /* [net][from] */
extern bool device_up[2];            /* the quorum device, as each host sees it */
extern bool agent_works, is_unlucky; /* is_unlucky: disks are slow at times */
extern struct arbiter_config config;
extern unsigned int takeovers, solos;
extern unsigned int alarms[ALARM_COUNT];

/* --- arbiter_world.c --- */

/* Two hosts that have booted, the first of which has adopted a VM. The seed settles all that chance does. */
void world_begin(uint64_t seed, bool has_agent, bool quorum_decides);
void world_run(uint64_t duration, bool with_misfortune);
void world_mend(void);

int world_primary(void); /* -1: the VM runs nowhere */
bool world_is_protected(void);
void world_assert_protected(void);

uint64_t world_random(uint64_t limit);
/* Into the trace, which is printed when the test ends by world_broken(). */
void world_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
void world_broken(const char *what);

/* --- arbiter_host.c --- */

void host_boot(int me);
void host_run(int me); /* a step */
void host_tell(int me, struct arbiter_event event);
bool host_may_let_out(const struct host *host);
uint64_t host_clock(const struct host *host);

#endif
