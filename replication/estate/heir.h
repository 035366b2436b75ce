/* The shadow of a VM of another host: a domain of this one, made of that one's configuration, and what it inherits. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_ESTATE_HEIR_H
#define REPLICATION_ESTATE_HEIR_H

#include <stdbool.h>

#include "replication/estate/estate.h"
#include "replication/estate/shadow.h"
#include "replication/estate/store_state.h"

struct xen_heir {
	struct estate_heir heir; /* first */
	struct shadow shadow;
	bool is_attached;
	struct daemon_rings rings;
	struct guest_store store;
	bool has_store;
};

/*
 * Makes the domain, paused, under the number, name and UUID that the VM has. path: a file with what `xl list -l NAME` printed on
 * the other host. Its devices are there from the beginning, and their backends wait; prepare (NULL: nothing) is called before there is a
 * backend. 0 or a negative errno, which was logged.
 */
int xen_heir_open(struct xen_heir *xen, uint16_t domid, const char *path,
                  int (*prepare)(unsigned int domid));

/* The domain and its devices are destroyed, unless they were attached. Fine if all zero. */
void xen_heir_close(struct xen_heir *xen);

#endif
