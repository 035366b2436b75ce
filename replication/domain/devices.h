/* A VM's devices as the holder of their output sees them: its backend worker, asked through its door. */
/* SPDX-License-Identifier: Apache-2.0
 *
 * The worker is a process of this host that answers at once; who asks waits for it, DEVICES_ANSWER_MS at most. All
 * functions return 0 or a negative errno: -ETIMEDOUT it does not answer, -EPIPE it is gone (take it anew), or what it
 * refuses with.
 */

#ifndef REPLICATION_DOMAIN_DEVICES_H
#define REPLICATION_DOMAIN_DEVICES_H

#include <stdbool.h>

#include "replication/hold/door.h"
#include "replication/hold/record_log.h"

#define DEVICES_ANSWER_MS 2000
/* Being taken lasts until no write is under way that was not noted. */
#define DEVICES_TAKE_MS 5000

struct devices {
	int door; /* -1: not taken */
	unsigned int
		takes; /* so often they were: door is another each time, though its number may be the same */
	void *memory;
	struct record_log log;
	uint64_t told;  /* position of the next note */
	uint64_t epoch; /* that was open when they were taken */
	bool is_held, is_lost, is_wanted;
	uint32_t held_kib, held_frames; /* when they last stood still */
};

void devices_init(struct devices *devices);

/* Be the holder: epochs go on from the later of that one and what the worker has. */
int devices_take(struct devices *devices, unsigned int domid, uint64_t epoch);
/* Hang up. What is held stays held. */
void devices_leave(struct devices *devices);

/* A message of the door, and wait for its answer if it has one. */
int devices_ask(struct devices *devices, enum door_kind kind, uint64_t epoch);

/* Frames that were released may leave until then (CLOCK_BOOTTIME, ns). is_awaited: not before the worker keeps to it. */
int devices_lease(struct devices *devices, uint64_t until, bool is_awaited);

/* Frames of these EtherTypes are not held. -EINVAL: one may not be; nothing was changed. */
int devices_exempt(struct devices *devices, const struct exempt *exempt);

/* Read what has come by itself; devices->is_wanted says whether output waits. */
int devices_listen(struct devices *devices);

/* The next note of an epoch up to that one; NULL: there is no more. It lies in shared memory until its epoch is released. */
const struct record *devices_note(struct devices *devices, uint64_t epoch);

/* The notes that devices_note() has given and that are kept still: the first if *position is 0, then the one behind; NULL: no more. */
const struct record *devices_told(const struct devices *devices, uint64_t *position);

#endif
