/* The primary's side of a replicated VM: joins its epochs, what is sent of them, and the VM itself. */
/* SPDX-License-Identifier: Apache-2.0
 *
 * No I/O, no clock and no loop of its own: the caller hands in connections, frames and the time, and calls primary_run() when it is
 * due. Nothing here waits.
 *
 *   run: pace says cut --> boundary (vm: stop, capture, go) --> collect (vm: fetch, state, write) --> push (peer: send)
 *   frame: ACK --> release (vm)                                                                                   (I1)
 */

#ifndef REPLICATION_PRIMARY_PRIMARY_H
#define REPLICATION_PRIMARY_PRIMARY_H

#include <stdbool.h>

#include "replication/epoch/pace.h"
#include "replication/epoch/primary_states.h"
#include "replication/primary/vm.h"
#include "replication/wire/frame.h"
#include "replication/wire/hello.h"
#include "replication/wire/peer.h"

struct primary_settings {
	const char *who; /* for logs */
	struct pace_limits pace;
	uint64_t kept_bytes;  /* of frames kept until they are acknowledged, or sent, about */
	uint64_t small_pages; /* a round of the base that brings no more is the last */
	uint64_t
		sync_bytes; /* of the disks, that a round of the base reads before what waits in the devices may end it */
	/* Pages are encoded by so many threads (encode/pool.h), which need a VM with ENCODE_JOBS() batches; 0: in primary_run(). */
	unsigned int encode_threads;
	uint32_t encode_alone;        /* a batch of so many is not worth waking one */
	void (*encoded)(void *data);  /* primary_run() is due; called by those threads */
	uint64_t last;                /* number of the epoch before the open one, at least 1 */
	bool is_held;                 /* output is held already, since an earlier process */
	uint64_t (*draw)(void *data); /* a random number, not 0, for a row of epochs */
	void (*beat)(void *data,
	             const struct wire_beat *beat); /* one has come; NULL: they are ignored */
	void *data, *beat_data, *encoded_data;
	struct wire_hello hello; /* ours; series and last_epoch are filled in */
};

struct primary;

/* NULL: no memory. */
struct primary *primary_new(struct vm *vm, const struct primary_settings *settings, uint64_t now);
/* Says BYE if there is a peer. What is held stays held. */
void primary_free(struct primary *primary);

/* A connection is there, when there was none: we say hello. */
void primary_connected(struct primary *primary, struct peer *peer);
/* It is gone by itself; also for one that we closed, harmless. */
void primary_lost(struct primary *primary, const char *why);
/* A frame of the peer's. If it cannot be, the connection is closed. */
void primary_frame(struct primary *primary, const struct frame *frame, uint64_t now);

/* Do what is due, a bounded part of it. When to come again; now: at once; PACE_NEVER: something else has to happen first. */
uint64_t primary_run(struct primary *primary, uint64_t now);

/* Output waits in the open epoch. */
void primary_want(struct primary *primary);

/* A word of the arbiter's to the peer. Whether it was taken; otherwise it is lost. */
bool primary_beat(struct primary *primary, const struct wire_beat *beat);

/*
 * The VM stands still, and what it has done is sent as one more epoch, the last until primary_resume(). 0, or a negative errno:
 * -ENOTCONN epochs are not running, -EALREADY it stands, or it cannot be paused. How it goes: primary_flush_of().
 */
int primary_flush(struct primary *primary);
enum primary_flush {
	PRIMARY_FLUSH_NONE,
	PRIMARY_FLUSH_WAITS, /* the last epoch is to be cut, or to be acknowledged */
	PRIMARY_FLUSH_DONE,  /* it was acknowledged: the standby has all */
	PRIMARY_FLUSH_FAILED /* the peer was lost, or the epoch; the VM stands still all the same */
};
/* To be looked at after whatever is called here. */
enum primary_flush primary_flush_of(struct primary *primary);
/* The VM goes on. 0, -EALREADY it does not stand, or another negative errno. */
int primary_resume(struct primary *primary);

/* Of the first copy, while it is being made: bytes that were read of the VM, later rounds counted; those of its memory and of what is
 * copied of its disks, and the latter alone. */
struct primary_progress {
	uint64_t sent, total, disks;
	unsigned int round;
};
struct primary_progress primary_progress_of(const struct primary *primary);

/* Added up since it was made. */
struct primary_counts {
	uint64_t cuts; /* captures, those of a first copy among them */
	uint64_t pause, pause_longest,
		pauses;    /* ns that the VM stood: for the last, at most, and for all */
	uint64_t captured; /* bytes of pages, state and disk writes */
	uint64_t
		sent; /* bytes of frames that the peer's connection took, those that were sent again too */
};
const struct primary_counts *primary_counts_of(const struct primary *primary);

/* From the next epoch on; what is kept already stays. */
void primary_set(struct primary *primary, const struct pace_limits *pace, uint64_t kept_bytes);

/* The arbiter has said that no other copy runs or will run: output passes. */
void primary_solo(struct primary *primary);

bool primary_has_peer(const struct primary *primary);
const struct primary_states *primary_states_of(const struct primary *primary);

#endif
