/* The standby's side of a replicated VM: joins what comes from the primary, its stages, and the shadow of the VM. */
/* SPDX-License-Identifier: Apache-2.0
 *
 * No I/O, no clock and no loop of its own: the caller hands in connections and frames, and calls standby_run() while it asks for it.
 *
 *   frame: BEGIN ... END --> stage (aside) --> whole: ACK --> waits --> run: commit (sink)                         (I2)
 */

#ifndef REPLICATION_STANDBY_STANDBY_H
#define REPLICATION_STANDBY_STANDBY_H

#include <stdbool.h>

#include "replication/epoch/standby_states.h"
#include "replication/stage/stage.h"
#include "replication/standby/sink.h"
#include "replication/wire/hello.h"
#include "replication/wire/peer.h"

/* Epochs acknowledged and not committed, at most: what a takeover may have to do first. */
#define STANDBY_BEHIND_MAX 4u

struct standby_settings {
	const char *who; /* for logs */
	struct wire_hello
		hello; /* ours; series and last_epoch are filled in. staged_max bounds all stages together */
	void (*beat)(void *data,
	             const struct wire_beat *beat); /* one has come; NULL: they are ignored */
	void *beat_data;
};

struct standby;

/* NULL: no memory. */
struct standby *standby_new(struct sink *sink, const struct standby_settings *settings);
void standby_free(struct standby *standby);

/* A connection is there, when there was none: we say hello. */
void standby_connected(struct standby *standby, struct peer *peer);
/* It is gone by itself; also for one that we closed, harmless. What came of an epoch that is not whole is dropped. */
void standby_lost(struct standby *standby, const char *why);
/* A frame of the peer's. If it cannot be, the connection is closed. */
void standby_frame(struct standby *standby, const struct frame *frame);

/* Commit the oldest epoch that waits for it. Whether to come again at once. */
bool standby_run(struct standby *standby);

/* A word of the arbiter's to the peer. Whether it was taken; otherwise it is lost. */
bool standby_beat(struct standby *standby, const struct wire_beat *beat);

/* Commit what was acknowledged and run the VM, not later than until (CLOCK_BOOTTIME, ns; 0: whenever); the caller has the arbiter's
 * word for it. 0 or a negative errno: -ENODATA there is nothing that may run (I6), -EALREADY, -ETIME it is too late, or what a
 * commit or the activation met: it may be tried again. */
int standby_activate(struct standby *standby, uint64_t until);

/* Another copy has gone on: this one must not run any more. -EALREADY: it does. */
int standby_outdate(struct standby *standby);

bool standby_has_peer(const struct standby *standby);
const struct standby_states *standby_states_of(const struct standby *standby);

#endif
