/* The guest's backend worker, seen from who captures the guest: asked through its door, answers waited for. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_XEN_WORKER_H
#define REPLICATION_XEN_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "replication/hold/door.h"

/*
 * What each request does is told in replication/hold/door.h. Functions wait for the answer, at most WORKER_ANSWER_MS.
 * They return 0 or a negative errno: the worker's own if it refused, -ETIMEDOUT, -EPIPE if it died, -EPROTO.
 */
#define WORKER_ANSWER_MS 5000

struct worker {
	int socket;     /* -1: there is none */
	bool is_wanted; /* output waits in the open epoch: WANTED came since the last STOP */
	int log;        /* descriptor of the notes, from TAKEN; -1 */
	struct door_message last; /* what was answered to the last request */
};

/* -ENOENT or -ECONNREFUSED: nobody serves the guest's devices, if it has any. */
int worker_open(struct worker *worker, unsigned int domid);

/* One request by its kind, with that epoch; its answer is in worker->last. */
int worker_ask(struct worker *worker, enum door_kind kind, uint64_t epoch);

/* Tells without an answer: DOOR_RELEASE. */
int worker_tell(struct worker *worker, enum door_kind kind, uint64_t epoch);

/* Hangs up; fine if it is not open, but was by worker_open() or is {-1, ..., -1}. */
void worker_close(struct worker *worker);

#endif
