/* The devices of a shadow that takes over: made by the toolstack, attached to the rings that its guest has. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_ESTATE_SHADOW_DEVICES_H
#define REPLICATION_ESTATE_SHADOW_DEVICES_H

#include "replication/estate/guest_store.h"
#include "replication/estate/shadow.h"

/* The source's disks and network cards become the shadow's. Their backends wait for a frontend; a bridge sees the cards, and
 * nothing comes from them. 0 or a negative errno; an error was logged. */
int shadow_devices_add(struct shadow *shadow);

/*
 * With what the source's guest wrote of its ends of them: each backend finds a frontend that is connected and begins at the first
 * request that was not answered. The source is gone; the shadow is loaded and waits. 0 or a negative errno; an error was logged.
 */
int shadow_devices_connect(struct shadow *shadow, const struct guest_store *store,
                           struct xs_handle *xs);

#endif
