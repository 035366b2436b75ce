/* Fencing: the agents of each host, one after the other, until one says that the host is off. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef FENCING_AGENT_FENCER_H
#define FENCING_AGENT_FENCER_H

#include <stdbool.h>

#include <ev.h>

#include "fencing/agent/agent.h"

/* One a process, shared by its VMs: a host that several want off is put off once. */
struct fencer;

#define FENCER_AGENTS_MAX 4 /* a host */
#define FENCER_NAME_SIZE  64

/* loop is the default loop: only that one hears of children. 0 or -ENOMEM. */
int fencer_open(struct ev_loop *loop, struct fencer **fencer);

/* Agents that run are killed; nobody is told. */
void fencer_close(struct fencer *fencer);

/* A host, by the name that it has in the cluster, is fenced by these, tried in this order; they are copied. A host that
 * is told again has the new ones, from the next time on; count 0: none. 0, -E2BIG, -EINVAL, -ENOMEM. */
int fencer_set(struct fencer *fencer, const char *host, const struct agent *agents,
               unsigned int count);

bool fencer_has(const struct fencer *fencer, const char *host);

/*
 * Puts the host off. Each agent is asked `off`, again as often as it may be, and believed only when its `status` says
 * off after that. done is called once, on the loop, never from here: whether the host was seen off. Whoever asks while
 * the host is being fenced for another waits for the same end.
 */
typedef void (*fencer_done)(void *data, bool is_off);
int fencer_fence(struct fencer *fencer, const char *host, fencer_done done, void *data);

/* Nobody with this data is told any more; what has begun goes on. */
void fencer_disown(struct fencer *fencer, const void *data);

#endif
