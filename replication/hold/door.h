/* The door of a guest's backend worker: what its holder (the guest's primary worker) asks, what it is told. */
/* SPDX-License-Identifier: Apache-2.0
 *
 * A Unix socket of whole messages (SOCK_SEQPACKET) a guest, in a folder that only root enters. One holder at a time;
 * it is whoever sent TAKE and is still connected. All numbers are the host's.
 *
 *   holder -> worker                                          worker -> holder
 *   TAKE epoch   be the holder; disk writes are noted         TAKEN epoch, flags, log_*, with the descriptor of the file
 *   HOLD         keep all output from now on                  HELD
 *   STOP N       end the open epoch, which is then called N   STOPPED N: frames that come from now on are of N + 1
 *                (not less than it was): touch nothing of
 *                the guest's until CUT
 *   CUT N        the capture is done: go on                   DONE N: disk writes before log_tail are of N or earlier
 *   RELEASE N    the standby has N: frames of N and before    -
 *                leave, notes of N and before are forgotten
 *   FORGET N     notes of N and before are forgotten          -
 *   FREE         let all output pass, note no writes          FREED
 *   PAIR p       files of marks were made anew, for the      PAIRED
 *                pairing p: those from now on
 *   COMMITTED N  the standby has what was written in N and   -
 *                before, durably: marks may be dropped
 *   LEASE T      of what was released, frames may leave       LEASED T
 *                until T (CLOCK_BOOTTIME, ns), and none
 *                after it; before the first: without end
 *   EXEMPT       frames of these EtherTypes are not held,     EXEMPTED; REFUSED -EINVAL: one that may not be
 *                as long as there is a lease
 *                                                             WANTED N: output is waiting in the open epoch N
 *                                                             REFUSED kind in flags, error: nothing was changed
 *
 * One boundary (I3): STOP, STOPPED; capture; CUT, DONE. If CUT does not come within DOOR_STOP_MS, the worker goes on by
 * itself and refuses it with -ETIME: that capture does not count.
 *
 * A holder that hangs up while output is held leaves everything as it is: frames and notes are kept, in bounded memory,
 * for the next one, whose first epoch holds them all (I1). One that hangs up before HOLD ends the noting. A worker that
 * dies is followed by one that finds all this, the lease among it, in shared memory. Only FREE ends the holding.
 */

#ifndef REPLICATION_HOLD_DOOR_H
#define REPLICATION_HOLD_DOOR_H

#include <stddef.h>
#include <stdint.h>

#include "common/exempt.h"

#define DOOR_FOLDER  "/run/remus"
#define DOOR_VERSION 5u
#define DOOR_STOP_MS 1000

enum door_kind {
	DOOR_TAKE = 1,
	DOOR_HOLD,
	DOOR_STOP,
	DOOR_CUT,
	DOOR_RELEASE,
	DOOR_FREE,
	DOOR_FORGET,
	DOOR_LEASE,
	DOOR_PAIR,
	DOOR_COMMITTED,
	DOOR_EXEMPT,

	DOOR_TAKEN = 0x81,
	DOOR_HELD,
	DOOR_STOPPED,
	DOOR_DONE,
	DOOR_FREED = 0x86,
	DOOR_WANTED,
	DOOR_REFUSED,
	DOOR_LEASED,
	DOOR_PAIRED,
	DOOR_EXEMPTED,
};

/* Flags of TAKEN; those of STOPPED are how many KiB of frames are held. */
#define DOOR_IS_HOLDING 1u /* output is held already, since an earlier holder */
#define DOOR_IS_LOST    2u /* notes of disk writes were lost: compare the disks anew */

struct door_message {
	uint32_t version; /* DOOR_VERSION */
	uint32_t kind;
	int32_t error;
	uint32_t flags;
	uint64_t epoch;              /* of LEASE and LEASED: the time */
	uint64_t log_head, log_tail; /* positions of notes that are kept */
	uint32_t frames;             /* of STOPPED: how many are held */
	uint32_t reserved;
	struct exempt exempt; /* of EXEMPT */
};

_Static_assert(sizeof(struct door_message) == 64, "the layout is shared by processes");

/* The file whose descriptor comes with TAKEN: a page of the worker's own, then a record_log of DOOR_LOG_BYTES with what
 * was written to the guest's disks, a record a write, in the order in which they may be done again. */
#define DOOR_LOG_OFFSET 4096u
#define DOOR_LOG_BYTES  (32u << 20)

enum door_note { NOTE_WRITE = 1, NOTE_DISCARD, NOTE_FLUSH };

/* The payload of a record of that kind; contents follow those of NOTE_WRITE. NOTE_FLUSH: what stands before it in the
 * log, of that disk, was durable before what stands behind it was begun. */
struct door_write {
	uint32_t disk; /* its number in the xenstore */
	uint32_t reserved;
	uint64_t sector, sectors; /* of 512 bytes */
};

#define DOOR_PATH_BYTES 64

void door_path(char *path, unsigned int domid);

/* The worker's end: a socket that takes connections, in place of what an earlier process left. Or a negative errno. */
int door_listen(unsigned int domid);

/* The holder's end. A negative errno if the guest has no worker. */
int door_connect(unsigned int domid);

/* One message, with a descriptor if fd is not negative. 0, or a negative errno: -EAGAIN if nobody reads them. */
int door_send(int socket, const struct door_message *message, int fd);

/* One message; *fd is set to the descriptor that came with it, or to -1. 0, or -EAGAIN when there is none, -EPIPE when the
 * other end is gone, -EPROTO for what is no message of our version, another negative errno. Never waits. */
int door_receive(int socket, struct door_message *message, int *fd);

#endif
