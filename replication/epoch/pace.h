/* When the next epoch ends: a maximum interval, output that waits, a budget of dirty pages, and back-pressure. */
/* SPDX-License-Identifier: Apache-2.0
 *
 * Times are nanoseconds of any clock that does not go back. Pure: no clock of its own, no memory, no I/O.
 */

#ifndef REPLICATION_EPOCH_PACE_H
#define REPLICATION_EPOCH_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define PACE_NEVER UINT64_MAX

struct pace_limits {
	uint64_t longest;     /* an epoch is not longer, if the peer keeps up */
	uint64_t shortest;    /* nor shorter, whatever waits */
	uint64_t dirty_pages; /* it ends when that many were written; 0: no budget */
	unsigned int
		in_flight; /* epochs that were cut and are not acknowledged: no more than these */
};

struct pace {
	struct pace_limits limits;
	uint64_t began; /* the open epoch */
	bool is_wanted; /* output waits in it */
	uint64_t dirty; /* pages written in it, as far as known */
	uint64_t told;  /* when that was */
};

void pace_init(struct pace *pace, const struct pace_limits *limits, uint64_t now);

/* Output waits in the open epoch. */
void pace_want(struct pace *pace);
void pace_dirty(struct pace *pace, uint64_t pages, uint64_t now);

/* A new epoch begins. */
void pace_cut(struct pace *pace, uint64_t now);

/* When the open epoch should end; PACE_NEVER: not before an acknowledgement. */
uint64_t pace_due(const struct pace *pace, unsigned int in_flight);

/* When pace_dirty() should be told next; PACE_NEVER: the open epoch will not end sooner for it. */
uint64_t pace_look(const struct pace *pace, unsigned int in_flight);

#endif
