/* The holder's end of the door: what a primary asks of its guest's backend worker, one call a message. */
/* SPDX-License-Identifier: Apache-2.0
 *
 * A call waits for its answer, HOLD_ANSWER_MS at most: the worker answers at once or is dead. All return 0 or a negative
 * errno, and after -EPIPE or -ETIMEDOUT the worker is gone: what it held and noted is taken up by the one that follows it;
 * connect anew and take.
 */

#ifndef REPLICATION_HOLD_CLIENT_H
#define REPLICATION_HOLD_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "replication/hold/door.h"
#include "replication/hold/record_log.h"

#define HOLD_ANSWER_MS 2000
/* TAKE waits for writes that were under way and not noted. */
#define HOLD_TAKE_MS 30000

struct hold_client {
	int socket; /* readable: call hold_listen(); -1: there is none */
	void *memory;
	struct record_log log;
	uint64_t told; /* position behind the last note that was read */
	uint64_t head; /* of the notes that are kept, as far as known */
	uint64_t tail; /* notes before it are of the epochs that were cut */
	bool is_wanted;
};

/* What was written to a disk: a note as it stands in the log, valid until its epoch is released or forgotten. */
struct hold_note {
	enum door_note kind;
	uint64_t epoch;
	const struct door_write *write;
	const uint8_t *contents; /* of NOTE_WRITE: write->sectors * 512 bytes */
};

/* -ENOENT, -ECONNREFUSED: the guest has no worker, or not yet. */
int hold_connect(struct hold_client *client, unsigned int domid);
void hold_disconnect(struct hold_client *client);

/* Be the holder. *epoch: in: the number wanted for the open epoch, at least; out: the number it has. *flags: DOOR_IS_*.
 * -EBUSY: there is another. Notes are read from the oldest that is kept. */
int hold_take(struct hold_client *client, uint64_t *epoch, uint32_t *flags);

int hold_begin(struct hold_client *client); /* HOLD */
int hold_stop(struct hold_client *client, uint64_t epoch);
int hold_cut(struct hold_client *client, uint64_t epoch);
int hold_release(struct hold_client *client, uint64_t epoch);
int hold_forget(struct hold_client *client, uint64_t epoch);
int hold_free(struct hold_client *client);

/* The next note of the epochs that were cut: 1; 0: there is none; -EPROTO: the log is broken. */
int hold_next(struct hold_client *client, struct hold_note *note);
/* Read the notes that are kept once more. */
void hold_rewind(struct hold_client *client);

/* Take what the worker says unasked: *is_wanted: output waits for the end of the open epoch. */
int hold_listen(struct hold_client *client, bool *is_wanted);

#endif
