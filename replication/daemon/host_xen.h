/* The host as its xenstore and hypervisor know it. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_DAEMON_HOST_XEN_H
#define REPLICATION_DAEMON_HOST_XEN_H

#include <xenstore.h>

#include "replication/daemon/host.h"

struct host_xen {
	struct host host;
	struct xs_handle *xs; /* the caller's */
};

void host_xen_init(struct host_xen *xen, struct xs_handle *xs);

#endif
