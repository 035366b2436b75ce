/* The epochs of a VM as its primary sees them: what may be cut, sent and released, and what follows a loss. */
/* SPDX-License-Identifier: Apache-2.0
 *
 *              hello                 base sent, little is dirty              lost, refused, fault
 *     ALONE ------------> BASE -------------------------------> RUNNING --------------------------> WAITING
 *       ^                 |  ^  (output is held from here on)      ^                                 |  |  |
 *       |-----------------'  |                                     `---- hello: the peer has ours ---'  |  |
 *       |  lost, output free |                                                                          |  |
 *       |                    `------------- hello: nothing in common (output stays held) ---------------'  |
 *       `------------------------------------ solo: the arbiter has said so -------------------------------'
 *
 *  ALONE    there is no copy that could take over; output passes
 *  BASE     the peer is given everything, and in further rounds what was written meanwhile, until that fits an epoch; to the
 *           peer all rounds are one epoch. It has nothing to lose, and cannot take over. Output is what it was before: free
 *           at first, held after WAITING
 *  RUNNING  epochs are cut, sent, acknowledged; output is held (I1)
 *  WAITING  the peer is not there. Output is held and nothing is cut, until it is back or the arbiter says solo
 *
 * An epoch goes OPEN -> cut -> sent (its END was handed over) -> acknowledged; each is a number, and always
 * acked <= sent <= cut.
 *
 * 1. (I1) RELEASE is asked for in RUNNING alone, and only up to an epoch that carries state and was acknowledged: by an
 *    ACK, or by the HELLO of a peer that has it.
 * 2. An acknowledgement of what was not sent is a peer that errs: the connection is dropped.
 * 3. Once output is held, only solo frees it.
 *
 * Pure: events in, what to do out; no I/O, no clock.
 */

#ifndef REPLICATION_EPOCH_PRIMARY_STATES_H
#define REPLICATION_EPOCH_PRIMARY_STATES_H

#include <stdbool.h>
#include <stdint.h>

#include "common/states.h"

enum primary_state {
	PRIMARY_ALONE,
	PRIMARY_BASE,
	PRIMARY_RUNNING,
	PRIMARY_WAITING,
	PRIMARY_STATES
};

/* What the machine asks of its caller, to be done in this order. */
#define PRIMARY_CLOSE   (1u << 0) /* drop the connection */
#define PRIMARY_DETACH  (1u << 1) /* stop logging what the VM writes; what was cut is forgotten */
#define PRIMARY_FREE    (1u << 2) /* let all output pass */
#define PRIMARY_ATTACH  (1u << 3) /* log anew: everything is dirty; the base begins */
#define PRIMARY_FORGET  (1u << 4) /* frames of epochs up to acked are not needed any more */
#define PRIMARY_RELEASE (1u << 5) /* let leave what epochs up to acked have sent */
#define PRIMARY_HOLD    (1u << 7) /* hold output */
#define PRIMARY_END     (1u << 8) /* the base is complete: send its END */
#define PRIMARY_CUT     (1u << 9) /* end the open epoch: then primary_states_cut() */

/* Rounds of a base at most: a VM that writes faster than the link is given to the standby in one large epoch then. */
#define PRIMARY_ROUNDS_MAX 16u

struct primary_states {
	struct machine machine;
	bool is_held;
	bool is_broken; /* what was cut since acked cannot be sent any more */
	bool is_ended, is_base_acked;
	uint64_t cut, sent, acked;
	uint64_t base;  /* the number that the base has for the peer */
	uint64_t first; /* the first epoch on top of it; acknowledged, it can take over */
	unsigned int rounds;
};

/* last: the epoch before the open one, at least 1. is_held: output is held already, since an earlier process. */
void primary_states_init(struct primary_states *states, const char *who, uint64_t last,
                         bool is_held);

/* The number of the next epoch to be cut. */
uint64_t primary_states_open(const struct primary_states *states);

/* The peer is there. is_same: it stands in our row of epochs, with their_last as the last that it has whole,
 * and what was cut since can be sent once more: which it is, from the first that it lacks. */
unsigned int primary_states_hello(struct primary_states *states, bool is_same, uint64_t their_last);
unsigned int primary_states_ack(struct primary_states *states, uint64_t epoch);
unsigned int primary_states_nack(struct primary_states *states);
unsigned int primary_states_lost(struct primary_states *states);
/* The VM could not be captured, or what was captured could not be kept. */
unsigned int primary_states_fault(struct primary_states *states);
unsigned int primary_states_solo(struct primary_states *states);

/* It is time for a boundary, and everything that was cut was handed over. is_small: what the last round of the base brought
 * fits an epoch. */
unsigned int primary_states_due(struct primary_states *states, bool is_small);

/* The same, but the base's disks were not read to their end: a round in between, which does not count. */
unsigned int primary_states_more(struct primary_states *states);

void primary_states_cut(struct primary_states *states);
void primary_states_sent(struct primary_states *states, uint64_t epoch);

/* Cut and not acknowledged. */
unsigned int primary_states_in_flight(const struct primary_states *states);

#endif
