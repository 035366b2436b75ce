/* What a running domain has in the xenstore, told to its standby when it has changed. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_ESTATE_ESTATE_SOURCE_H
#define REPLICATION_ESTATE_ESTATE_SOURCE_H

#include <stdbool.h>

#include "replication/estate/estate.h"
#include "replication/estate/store_state.h"

struct xen_estate_source {
	struct estate_source source; /* first */
	struct xs_handle *xs;
	uint32_t domid;
	struct store_state state;
	bool is_due;  /* to be told with the next boundary */
	bool is_told; /* with this one */
};

/* 0 or a negative errno, which was logged. */
int xen_estate_source_open(struct xen_estate_source *xen, uint32_t domid);
void xen_estate_source_close(struct xen_estate_source *xen); /* fine if all zero */

#endif
