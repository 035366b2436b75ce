/* Who may run a VM: one host's view, as a state machine without I/O (I5, I6, I7). */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef FENCING_ARBITER_ARBITER_H
#define FENCING_ARBITER_ARBITER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/states.h"
#include "fencing/generation/record.h"

/*
 * One arbiter a VM and host; docs/arbitration.md has the protocol and why it is safe. The caller tells
 * what happened (arbiter_handle) and does what is returned, in order. Times are nanoseconds of one
 * clock that never stands still or goes back while the host is up, suspended or not.
 */

enum arbiter_state {
	ARBITER_IDLE, /* has no record of the VM */

	ARBITER_COLD,        /* solo by its record, but the VM does not run yet */
	ARBITER_SOLO,        /* runs, output goes out at once */
	ARBITER_ENTERING,    /* the standby is complete: REPLICATING is being written */
	ARBITER_REPLICATING, /* runs, output goes out when acknowledged, until the lease ends */
	ARBITER_HOLDING,     /* the lease has ended: output is held */
	ARBITER_GOING_SOLO,  /* SOLO is being written */
	ARBITER_FLUSHING,    /* switchover: the VM stands, its last epoch is on its way */
	ARBITER_GIVING,      /* HANDED is being written */
	ARBITER_HANDED,      /* has given up its right; waits for the other's word */

	ARBITER_DROPPING, /* its copy is being destroyed */
	ARBITER_MARKING,  /* OUTDATED is being written */

	ARBITER_OUTDATED, /* standby that must not take over */
	ARBITER_JOINING,  /* IN_SYNC is being written */
	ARBITER_IN_SYNC,  /* standby that may take over */
	ARBITER_ALONE, /* the same, with the primary gone: looks for proof that it does not run */
	ARBITER_CLAIMING,   /* TAKING is being written */
	ARBITER_ACTIVATING, /* the hypervisor was asked to start the copy; output is held */
	ARBITER_CONFIRMING, /* SOLO of the next generation is being written; output is held */
	ARBITER_STATE_COUNT,
};

struct arbiter_config {
	uint64_t lease;       /* how long after a beat was sent its reply lets output out */
	uint64_t enforcement; /* how long after that a host that hangs is stopped by its watchdog */
	uint64_t window;      /* how long after its last confirmed reply a standby may take over */
	uint64_t view_lag;    /* how old what Corosync tells can be on a host that naps unnoticed */
	uint64_t margin;      /* added to every wait for what happens on the other host */
	uint64_t fence_delay; /* how much later than the primary a standby begins to fence */
	uint32_t rate_error;  /* by how much two hosts' clocks may differ in rate, in millionths */
	bool has_agent;       /* the peer can be fenced */
	bool quorum_decides;  /* three votes and more: of two partitions at most one has quorum */
	bool risk_accepted;   /* the operator's flag: lease and window count without either */
};

/* Of the shipped corosync.conf, in ns: what facts_lag() makes of its token of 300 ms and its consensus of 360 ms. The
 * margin is as long. */
#define ARBITER_VIEW_LAG 960000000ull

/* The defaults for a cluster with, or without, a fence agent (it needs a longer window). */
struct arbiter_config arbiter_defaults(bool has_agent, bool quorum_decides);

/* NULL, or why these settings protect nobody, in a sentence with the remedy. */
const char *arbiter_refusal(const struct arbiter_config *config);

/* Other settings from now on, as when the cluster has told what it is like. */
struct arbiter;
void arbiter_configure(struct arbiter *arbiter, const struct arbiter_config *config);

enum event_kind {
	EVENT_TICK,      /* at least every ARBITER_TICK */
	EVENT_MEMBERS,   /* what Corosync says, at the start and at each change */
	EVENT_BEAT,      /* standby: a beat came over the replication link */
	EVENT_REPLY,     /* primary: the reply to one */
	EVENT_WORD,      /* the peer's word over the cluster */
	EVENT_WRITTEN,   /* the record asked for is durable (ok), or could not be written */
	EVENT_FENCED,    /* the peer is off (ok), or could not be fenced */
	EVENT_CONFIRMED, /* the operator vouches that the peer is off */
	EVENT_ADOPT,     /* a VM that runs here, and nowhere else, is to be protected by `peer` */
	EVENT_SYNCED, /* primary: the standby has a complete copy (ok), or copying failed; standby: it has */
	EVENT_ACTIVATED,    /* the copy runs (ok), or the hypervisor refused */
	EVENT_STARTED,      /* the VM was started from its disk (ok), or could not be */
	EVENT_DROPPED,      /* the copy is destroyed */
	EVENT_SWITCHOVER,   /* the operator wants the standby to be primary */
	EVENT_FLUSHED,      /* the last epoch is acknowledged (ok), or was not */
	EVENT_ORDERED_SOLO, /* the operator orders this copy to be the one, against the rules */
	EVENT_KIND_COUNT,
};

struct arbiter_event {
	enum event_kind kind;
	bool ok;
	bool is_quorate;      /* MEMBERS */
	bool is_peer_present; /* MEMBERS: the peer's remusd is in the group */
	bool others_changed;  /* MEMBERS: hosts but the peer came or went, or the view began anew */
	bool is_asking; /* WORD: the peer wants an answer, from a standby that it be OUTDATED */
	uint32_t peer;  /* ADOPT */
	enum situation situation; /* WORD */
	struct right right;       /* BEAT, REPLY, WORD; SYNCED at the standby */
	uint64_t number; /* BEAT, REPLY: counts what its sender has sent in this round, from 1 */
	uint64_t
		heard; /* BEAT: the last reply's number that the primary has; REPLY: the beat's number */
};

#define ARBITER_TICK 50000000ull /* 50 ms */

enum action_kind {
	ACTION_WRITE,     /* make record durable, then EVENT_WRITTEN */
	ACTION_RELEASE,   /* acknowledged output may go out until `until`, checked at each packet */
	ACTION_SOLO,      /* all output may go out */
	ACTION_HOLD,      /* none may */
	ACTION_BEAT,      /* send a beat (right, number, heard) */
	ACTION_REPLY,     /* send a reply (right, number, heard) */
	ACTION_SAY,       /* send the peer record, and is_asking, over the cluster */
	ACTION_FENCE,     /* fence the peer, then EVENT_FENCED */
	ACTION_SYNC,      /* copy the VM to the peer for the round `right`, then EVENT_SYNCED */
	ACTION_TAKE_OVER, /* activate the copy, refused after `until`, then EVENT_ACTIVATED */
	ACTION_DROP,      /* destroy the copy, then EVENT_DROPPED */
	ACTION_START,     /* start the VM from its disk, then EVENT_STARTED */
	ACTION_FLUSH,     /* pause the VM, send its last epoch, then EVENT_FLUSHED */
	ACTION_RESUME,    /* unpause it */
	ACTION_ALARM,     /* tell the operator */
};

enum alarm {
	ALARM_PROTECTED,   /* the standby is in sync */
	ALARM_HELD,        /* the standby does not answer: output is held */
	ALARM_UNPROTECTED, /* runs alone */
	ALARM_UNDECIDED, /* output is held and no rule lets it go on; the other host's word would */
	ALARM_ALONE,     /* the primary is gone, proof is looked for */
	ALARM_TOOK_OVER, /* runs here now */
	ALARM_OUTDATED,  /* this standby cannot take over any more */
	ALARM_DROPPED,   /* another host has taken over: the copy here is destroyed */
	ALARM_FENCE_FAILED,  /* the peer could not be fenced; it is tried again */
	ALARM_STORE_FAILED,  /* the record could not be written; it is tried again */
	ALARM_TOO_LATE,      /* the hypervisor refused to activate */
	ALARM_START_FAILED,  /* the VM could not be started from its disk */
	ALARM_SWITCH_FAILED, /* the switchover was called off; the VM goes on here */
	ALARM_CONFLICT,      /* the peer claims what cannot be: two primaries of one generation */
	ALARM_COUNT,
};

const char *alarm_name(enum alarm alarm);

struct arbiter_action {
	enum action_kind kind;
	enum alarm alarm;
	bool is_asking;
	struct record record;
	struct right right;
	uint64_t number, heard;
	uint64_t until;
};

/* More than the longest chain of moves that one event can set off gives. */
#define ARBITER_ACTIONS_MAX 24
struct arbiter_actions {
	unsigned int count;
	struct arbiter_action list[ARBITER_ACTIONS_MAX];
};

#define ARBITER_BEATS 64 /* sending times that are remembered */

/* All fields are the arbiter's own. */
struct arbiter {
	struct arbiter_config config;
	struct machine machine;
	struct record record;  /* what is durable */
	struct record pending; /* what is being written, while is_writing */
	struct right mark;     /* DROPPING, MARKING: what OUTDATED will be said of */
	struct right
		next; /* SOLO, ENTERING: the round being prepared; GOING_SOLO: the right to go on with */
	bool is_running; /* primary: there is a VM to go on with */
	bool is_paused;  /* it stands for a switchover */
	bool is_writing, has_write_failed;

	uint64_t now, awake_since; /* the last event; since when events have come without a gap */
	bool is_quorate, is_peer_present;
	uint64_t unbroken_since; /* since when quorum has not been lost, nor the others changed */
	uint64_t retry_at,
		ask_at; /* when what failed is tried again, when the peer is asked again */

	bool is_fencing, is_fenced; /* the peer; since it last was in sync */
	uint64_t fenced_at;

	struct record word; /* the peer's last */
	bool has_word;
	bool is_asked; /* by that word, and not yet answered */

	uint64_t beat_times
		[ARBITER_BEATS]; /* primary: when each was sent; standby: when each reply was */
	uint64_t sent, heard, beat_at; /* the last number sent, the last of the other's heard of */
	uint64_t acked_at;    /* primary: when the last beat that was replied to had been sent */
	uint64_t lease_until; /* primary: acknowledged output may go out until then */
	uint64_t heard_at; /* primary: when the last reply came; standby: when the last beat came */
	uint64_t replied_at; /* standby: when its last reply was sent */
	uint64_t window_end; /* standby: not after that; 0: never */
	struct right synced; /* standby: the round that its copy is complete for */
	bool is_syncing, is_starting, is_undecided; /* asked of the caller; the alarm was given */
	bool wants_switchover, wants_solo;
	enum arbiter_answer {
		ANSWER_NONE,
		ANSWER_YES,
		ANSWER_NO
	} answer; /* to what was asked on entry */
};

/* record: what the store held. is_running: the VM, or the copy, outlived the last remusd. */
void arbiter_init(struct arbiter *arbiter, const struct arbiter_config *config, const char *vm,
                  const struct record *record, bool is_running, uint64_t now,
                  struct arbiter_actions *actions);

/* Foreign numbers in events (BEAT, REPLY, WORD) may be anything. now is never before the last one. */
void arbiter_handle(struct arbiter *arbiter, const struct arbiter_event *event, uint64_t now,
                    struct arbiter_actions *actions);

enum arbiter_state arbiter_state(const struct arbiter *arbiter);

/* Stops the program if what must hold in the state it is in does not. */
void assert_arbiter(const struct arbiter *arbiter);

#endif
