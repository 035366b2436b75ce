/* The devices of a guest: found in the xenstore, led through the handshake, served. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_BACKEND_XENBUS_H
#define REPLICATION_BACKEND_XENBUS_H

#include "replication/backend/device.h"

/* All devices of one guest. */
struct xenbus {
	struct host host;
	struct device *devices;
	bool is_stopping;
	ev_io store_ready, event_ready, images_ready;
	void (*emptied)(struct xenbus *xenbus); /* the last device is gone */
};

/* Connect to the xenstore, the event channels, the grant tables and the kernel's disk queue. host.loop and host.domid
 * are set by the caller. 0 or a negative errno, logged. */
int xenbus_open(struct xenbus *xenbus);

/* Have the loop watch for devices, the ones that are there first. */
void xenbus_start(struct xenbus *xenbus);

/* Take no more requests. */
void xenbus_stop(struct xenbus *xenbus);

/* Whether all work that was under way has ended. */
bool xenbus_is_idle(const struct xenbus *xenbus);

#endif
