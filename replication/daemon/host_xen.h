/* The host as its xenstore and hypervisor know it. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_DAEMON_HOST_XEN_H
#define REPLICATION_DAEMON_HOST_XEN_H

#include <xenstore.h>

#include "replication/daemon/host.h"
#include "replication/daemon/keeper.h"

struct host_xen {
	struct host host;
	struct xs_handle *xs; /* the caller's */
	struct keeper keeper;
};

/* programs: the folder of remus-watchdog. */
void host_xen_init(struct host_xen *xen, struct ev_loop *loop, struct xs_handle *xs,
                   const char *programs);

#endif
