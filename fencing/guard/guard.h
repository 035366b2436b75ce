/* Guards one VM: its arbiter, fed by cluster, records, fence agents and clock, and what it decides done. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef FENCING_GUARD_GUARD_H
#define FENCING_GUARD_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include <ev.h>

#include "fencing/agent/fencer.h"
#include "fencing/arbiter/arbiter.h"
#include "fencing/cluster/cluster.h"
#include "fencing/generation/writer.h"

/*
 *   cluster: view, words ---.                                   .--> writer: record durable?
 *   worker: beats, answers --+--> guard [ arbiter_handle() ] ---+--> cluster: words
 *   operator: orders -------'       ^                           +--> fencer: peer off?
 *                                   clock, every GUARD_TICK     `--> ops: what the VM's worker is to do
 *
 * One a VM on each of its two hosts. Docs: docs/arbitration.md. A guard is used from its loop only. Its functions
 * may be called from within ops; what they tell is then handled after the op has returned. Times are nanoseconds of
 * CLOCK_BOOTTIME. A loop that stands for 250 ms makes the arbiter distrust what it knows: handlers must not block.
 */
struct guard;

#define GUARD_TICK 0.025 /* s */

/*
 * What the guard wants done with the VM on this host. None may block; where an answer is named it is given by the
 * function of that name, once, now or later. What a dead worker has not answered is answered with false.
 */
struct guard_ops {
	/* Acknowledged output may go out until then, checked at each packet; each call replaces the last. */
	void (*lease)(void *data, uint64_t until);
	/* All output may go out. */
	void (*solo)(void *data);
	/* None may, from now on. When nothing runs: nothing to do. */
	void (*hold)(void *data);
	/* Send this to the peer's guard by way of the workers: guard_beat() or guard_reply() there. Lost is lost. */
	void (*beat)(void *data, struct right right, uint64_t number, uint64_t heard);
	/* Primary: have the host `peer` make a standby, copy the VM to it for the round `right`, and keep replicating
	 * after that. guard_synced(). Is called again after a failure, at least 2 s later. What was being replicated
	 * for an earlier round is over. */
	void (*sync)(void *data, uint32_t peer, struct right right);
	/* Standby: activate the copy, the hypervisor refusing after `until`; output held. guard_activated(). */
	void (*take_over)(void *data, uint64_t until);
	/* Destroy the VM or the copy that is here, and all that replicates it, paused or not; there may be none.
	 * guard_dropped(), when it is certain that nothing of it runs. */
	void (*drop)(void *data);
	/* Start the VM from its disk. guard_started(). */
	void (*start)(void *data);
	/* Pause the VM and have its last epoch acknowledged. guard_flushed(). */
	void (*flush)(void *data);
	/* Let the VM that was paused by flush go on. */
	void (*resume)(void *data);
	/* Tell the operator, and the log; alarm_name() has the words. */
	void (*alarm)(void *data, enum alarm alarm);
	/* guard_status() has something new. */
	void (*changed)(void *data);
	/* guard_unprotect() is done: the VM runs alone and its record is gone, or err is a negative errno. The guard
	 * is of no use after 0 but to be closed, not from within this call. */
	void (*unprotected)(void *data, int err);
};

/* What all guards of a process share; they stay open longer than each. */
struct guard_shared {
	struct ev_loop *loop; /* the default loop */
	struct writer *writer;
	struct cluster *cluster;
	struct fencer *fencer;
};

/* In ms; 0: the default. The first three must be the same on both hosts: there is no standby otherwise. A margin
 * that is shorter than the cluster's lag is as long as that. */
struct guard_times {
	uint32_t lease, watchdog, window, margin;
};

struct guard_settings {
	const char *name; /* of the VM, for logs; copied */
	uint8_t vm[16];   /* its UUID; its record's file is called by that */
	/* The other host, 0: not known. A record that is more than OUTDATED knows better. */
	uint32_t peer;
	bool is_running; /* the VM, or the standby's copy, was here when this remusd started */
	bool accept_split_brain; /* the operator's flag */
	struct guard_times times;
};

/* Reads the VM's record (blocks for the disk). Nothing is decided before guard_start(). ops and shared are kept, not
 * copied. 0, -ENOMEM, or generation_read()'s error: -EBADMSG is a damaged record, that VM waits for the operator. No
 * record is none. */
int guard_open(const struct guard_shared *shared, const struct guard_settings *settings,
               const struct guard_ops *ops, void *data, struct guard **guard);

/* From now on ops are called, the first of them from here. */
void guard_start(struct guard *guard);

/* Other times, or other agents. While there is a standby that could take over, lease and window stay as they were: both
 * hosts count on them. */
void guard_reconfigure(struct guard *guard, const struct guard_times *times);

/* Nothing more is called. The record stays, and the VM is as it was; not from within ops. */
void guard_close(struct guard *guard);

/* --- what the workers tell --- */

/* Standby: a beat of the primary's guard came over the replication link. Foreign: may be anything. */
void guard_beat(struct guard *guard, struct right right, uint64_t number, uint64_t heard);
/* Primary: a reply of the standby's guard. */
void guard_reply(struct guard *guard, struct right right, uint64_t number, uint64_t heard);

/* Primary: the copy for that round is complete, and acknowledged; or copying failed or ended (!ok). Once a sync; a
 * link that fails later needs no word: beats stay away. Standby: it holds a complete copy for that round. */
void guard_synced(struct guard *guard, struct right right, bool ok);
void guard_activated(struct guard *guard, bool ok); /* !ok: it will never run */
void guard_dropped(struct guard *guard);
void guard_started(struct guard *guard, bool ok);
void guard_flushed(struct guard *guard, bool ok);

/* --- what the operator orders --- */

/* The VM runs here and nowhere else, and is to be protected by `peer`. 0; or *why has the reason, in a sentence, and
 * -EPERM: it would protect nobody; -ENOTCONN: no quorum, or the cluster is not known yet; -EALREADY: it is; -EINVAL. */
int guard_protect(struct guard *guard, uint32_t peer, const char **why);

/* Ends the protection: primary, the standby is asked to step back, then the record is removed; on a host that is
 * outdated or knows nothing the record is. 0: ops.unprotected() will come. -EBUSY: it cannot be ended in this state
 * (the standby that is in sync is told by its primary). */
int guard_unprotect(struct guard *guard);

/* 0, or -EBUSY: not replicating. How it went is told by ALARM_TOOK_OVER there or ALARM_SWITCH_FAILED here. */
int guard_switch_over(struct guard *guard);

/* The standby's copy is to be made anew: it is asked to step back, this host goes on alone without a pause, and syncs anew. 0, or
 * -EBUSY: not replicating. */
int guard_resync(struct guard *guard);

/* The operator vouches that the peer is off. */
void guard_confirm_off(struct guard *guard);

/* This copy is the one, against the rules. 0, or -EBUSY: no order is needed or possible in this state. */
int guard_order_solo(struct guard *guard);

/* --- for who asks --- */

struct guard_status {
	enum arbiter_state state;
	const char *state_name;
	struct record record; /* durable */
	uint32_t peer;
	bool is_quorate, is_peer_present, is_fencing, is_fenced, has_agent;
	bool is_protected;    /* primary: replicating within its lease; standby: in sync */
	uint64_t lease_until; /* primary; 0: none */
	struct record word;   /* the peer's last; NONE if it said none */
};

void guard_status(const struct guard *guard, struct guard_status *status);

/* The times that it goes by. */
void guard_times_of(const struct guard *guard, struct arbiter_config *times);

#endif
