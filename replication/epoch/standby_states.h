/* The epochs of a VM as its standby sees them: what it takes, what it has, and when it may take over. */
/* SPDX-License-Identifier: Apache-2.0
 *
 *                base begins           first epoch whole                  activate
 *       EMPTY -----------------> BASE -------------------> READY ------------------------> ACTIVE
 *         ^                      ^  |                      |  ^ |
 *         |---- lost, torn ------'--'         commit fails |  | | base begins, outdated
 *         |                      ^                         v  | |
 *         |                      |                     BROKEN-' |     (again, and it went)
 *         |                      |--- base begins --------'     |
 *         |                      `------------------------------|
 *         `------------------------ outdated -------------------'
 *
 *  EMPTY   nothing that could run
 *  BASE    everything is coming, applied as it comes: nothing that could run
 *  READY   whole is the last epoch that was staged whole and acknowledged (I2); what is staged behind it does not count
 *  BROKEN  an acknowledged epoch could not be committed; it is kept, and may be tried again (I4). Until it went, nothing
 *          may run (I6), and nothing more is taken
 *  ACTIVE  the VM runs here
 *
 * 1. (I2) An epoch is staged aside and becomes ours when its END holds, or not at all. A link that is lost, or a frame that
 *    errs, drops what is staged; the last whole epoch stands.
 * 2. (I6) Activation needs READY, with all that was acknowledged committed. BASE and EMPTY cannot be activated, and what was
 *    once outdated comes back only by a base.
 * 3. committed <= whole; whole - committed epochs are staged and bounded.
 *
 * Pure: events in, what to do out; no I/O, no clock.
 */

#ifndef REPLICATION_EPOCH_STANDBY_STATES_H
#define REPLICATION_EPOCH_STANDBY_STATES_H

#include <stdbool.h>
#include <stdint.h>

#include "common/states.h"

enum standby_state {
	STANDBY_EMPTY,
	STANDBY_BASE,
	STANDBY_READY,
	STANDBY_BROKEN,
	STANDBY_ACTIVE,
	STANDBY_STATES
};

struct standby_states {
	struct machine machine;
	uint64_t series;           /* of the epochs below */
	uint64_t whole, committed; /* the last that is; in BASE: the last round; 0: none */
	uint64_t staging;          /* the one that is coming; 0: none */
	bool is_base;              /* that one is a round of the base */
};

void standby_states_init(struct standby_states *states, const char *who);

/* What a hello says: the last epoch that could be taken over, 0 for none. */
uint64_t standby_states_last(const struct standby_states *states);

/* An epoch begins. 0; or -EPROTO: it does not fit on what is here: nothing was changed. *drops: what was here is of no
 * use from now on, for a base begins. */
int standby_states_begin(struct standby_states *states, uint64_t series, uint64_t epoch,
                         uint64_t base, bool is_base, bool *drops);

/* What is staged is whole: it may be acknowledged, and is to be committed. */
void standby_states_whole(struct standby_states *states);

/* The link is lost, or what is staged errs: it is to be dropped. */
void standby_states_drop(struct standby_states *states, const char *cause);

/* The oldest of what waits for it was committed, or could not be. */
void standby_states_committed(struct standby_states *states, uint64_t epoch);
void standby_states_commit_failed(struct standby_states *states);

/* This copy must not run any more, for another has gone on (I6). */
void standby_states_outdate(struct standby_states *states);

/* Whether activation is allowed once all is committed: 0, -ENODATA there is nothing, -EIO it cannot be committed, -EALREADY. */
int standby_states_may_activate(const struct standby_states *states);
/* It was, and all is committed. */
void standby_states_activate(struct standby_states *states);

#endif
