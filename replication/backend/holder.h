/* The holder of a guest's output as its backend worker sees it: who comes to the door, and who may speak. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_BACKEND_HOLDER_H
#define REPLICATION_BACKEND_HOLDER_H

#include "replication/backend/xenbus.h"

/* Connections at a time: the holder, one that wants to follow it, and some to spare. */
#define HOLDER_VISITORS_MAX 4u

struct visitor {
	struct holder *holder;
	int socket; /* -1: none */
	ev_io readable;
};

struct holder {
	struct xenbus *xenbus;
	ev_io listening;
	struct visitor visitors[HOLDER_VISITORS_MAX];
	struct visitor *current; /* whose messages count */
};

/* Take up the guest's output as an earlier worker left it, before any device is served, and listen at its door. 0 or a
 * negative errno, logged: then no device may be served. */
int holder_open(struct holder *holder, struct xenbus *xenbus);

/* The guest is gone: nothing is left of its output. */
void holder_forget(struct holder *holder);

#endif
