/* What becomes of a guest's output: it passes, or it is held by epoch and its disk writes are noted (I1, I3). */
/* SPDX-License-Identifier: Apache-2.0
 *
 *             TAKE            HOLD              STOP
 *   PASSING --------> NOTING --------> HOLDING --------> STOPPED       (NOTING, too, is stopped, and goes on as it was)
 *      ^  ^  hangup,    |                 |  ^             |
 *      |  `---FREE------'                 |  `---CUT-------'
 *      `-------------FREE-----------------'      hangup, or no CUT in time
 *
 *  PASSING  frames leave at once, nothing is noted; costs nothing
 *  NOTING   frames leave at once; disk writes are noted: the standby is being given its first copy
 *  HOLDING  a frame of epoch N leaves when N was released, and not after the lease, if there is one (LEASE); disk writes go
 *           to the image at once, and are noted. A frame of an exempt EtherType leaves at once, but not after the lease
 *  STOPPED  nothing of the guest's is read or written: its rings stand still for the capture
 *
 * HOLDING does not need a holder: without one everything is kept, up to its bounds, for the next (I1). It outlives this
 * process, too: all state is in shared memory, and a successor finds it there (output_adopt).
 *
 * No clock and no sockets here: holder.c has those. The only I/O is making and removing the shared memory.
 */

#ifndef REPLICATION_BACKEND_OUTPUT_H
#define REPLICATION_BACKEND_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "replication/backend/held.h"
#include "replication/hold/door.h"
#include "replication/hold/record_log.h"

struct output;

struct output_ops {
	/* To the holder; whether it took it. */
	void (*answer)(struct output *output, const struct door_message *message, int fd);
	/* Whether no disk write that was not noted is under way. */
	bool (*is_noted)(struct output *output);
	/* Position of the oldest note of a write that the kernel has not done yet; UINT64_MAX: there is none. */
	uint64_t (*under_way)(struct output *output);
	/* The frames that are held; NULL: not known. */
	struct held_sum (*held)(struct output *output);
	/* Each card is to have room for frames that are held. 0 or a negative errno. */
	int (*hold)(struct output *output);
	/* PAIR, CUT, COMMITTED, for marks of disks; NULL: there are none. 0 or a negative errno. */
	int (*mark)(struct output *output, enum door_kind kind, uint64_t number);
	/* Let leave what may leave now, and serve what had to wait. */
	void (*go)(struct output *output);
};

struct output_page; /* the part of the shared memory that is the worker's own */

struct output {
	const struct output_ops *ops; /* NULL, as all else: passing for good */
	unsigned int domid;
	struct output_page *page; /* NULL: passing */
	int fd;
	struct record_log log;
	bool has_holder, is_taking, is_stopped;
	bool is_wanted; /* said so in this epoch */
};

/* Begin as an earlier process of that guest left it. A negative errno if its memory is there and cannot be had: then output
 * must not pass. */
int output_adopt(struct output *output, unsigned int domid, const struct output_ops *ops);

/* Before the first worker of a guest is started: it is to hold, from the first frame on, and nothing may leave (lease 0) until a
 * holder says otherwise. Waits for the end of a worker that has served an earlier guest of that number. A negative errno. */
int output_prepare(unsigned int domid);

/* Whether that is still so. */
bool output_is_prepared(unsigned int domid);

/* The guest is gone. */
void output_remove(struct output *output);

/* The holder sent this; a TAKE comes here only from one that may become it. */
void output_message(struct output *output, const struct door_message *message);
void output_holder_gone(struct output *output);

/* CUT did not come in time. */
void output_stop_expired(struct output *output);

/* Disk work has ended: a TAKE may have waited for that. */
void output_settled(struct output *output);

/* --- for devices --- */

/* Frames are to be kept, under output_epoch(). */
bool output_is_held(const struct output *output);
uint64_t output_epoch(const struct output *output);
/* Frames of this epoch and of those before may leave. */
uint64_t output_released(const struct output *output);
/* Until when they may: CLOCK_BOOTTIME, ns; UINT64_MAX: without end. */
uint64_t output_lease(const struct output *output);
/* A frame that is not held, as long as there is a lease. */
bool output_is_exempt(const struct output *output, const uint8_t *frame, size_t length);
/* Something waits for the end of this epoch. */
void output_want(struct output *output);

bool output_is_noting(const struct output *output);
/* Note what is about to be done to a disk; bytes of contents for a write. false: there is no room, ask again when served.
 * Several notes become visible together by output_note_end(); a note that finds no room takes those before it along. */
uint64_t output_note_position(const struct output *output); /* of the next one */
bool output_note(struct output *output, enum door_note kind, const struct door_write *write,
                 const void *contents, size_t bytes);
void output_note_end(struct output *output);

#endif
