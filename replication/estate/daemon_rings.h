/* The rings that dom0's daemons share with a guest: its xenstore's and its console's, attached to a loaded domain. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_ESTATE_DAEMON_RINGS_H
#define REPLICATION_ESTATE_DAEMON_RINGS_H

#include <stdint.h>

#include <xenstore.h>

/* Where a guest has both rings, and the ports that it listens at. */
struct daemon_rings {
	uint64_t store_gfn, console_gfn;
	uint32_t store_port, console_port;
};

/* As the toolstack wrote it down. 0 or a negative errno. */
int daemon_rings_find(struct daemon_rings *rings, struct xs_handle *xs, uint32_t domid);

/*
 * The domain waits, its memory and state are those of the one that rings were found for. xenstored and xenconsoled take
 * up its rings as they stand; requests that were not answered are answered. The guest's watches are lost:
 * xenstored does not say which there were. 0 or a negative errno; -ETIMEDOUT: xenconsoled does not listen.
 */
int daemon_rings_attach(const struct daemon_rings *rings, struct xs_handle *xs, uint32_t domid);

#endif
