/* A guest's part of the xenstore as one piece of bytes, taken anew only when it has changed. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_ESTATE_STORE_STATE_H
#define REPLICATION_ESTATE_STORE_STATE_H

#include <stdint.h>

#include "replication/estate/daemon_rings.h"
#include "replication/estate/guest_store.h"

/*
 * Bytes: struct store_state_head, then for each node its path and its value, each with the zero that ends it. Numbers
 * are little-endian, as all hosts are.
 */
#define STORE_STATE_MAX (1u << 20)
struct store_state_head {
	uint64_t store_gfn, console_gfn;
	uint32_t store_port, console_port;
	uint32_t nodes, reserved;
};

struct store_state {
	char *bytes; /* ours; size of them; NULL: nothing was taken yet */
	uint32_t size;
};

/* Have changes told to xs, which is used for nothing else that watches. 0 or a negative errno, as all of these. */
int store_state_watch(struct store_state *state, struct xs_handle *xs, uint32_t domid);

/* Take it if it has changed since. -E2BIG: more than STORE_STATE_MAX. */
int store_state_refresh(struct store_state *state, struct xs_handle *xs, uint32_t domid);

void store_state_free(struct store_state *state); /* fine if all zero */

/* The other way, on bytes that came over a network: -EPROTO if they are not such. */
int store_state_parse(const void *bytes, uint32_t size, struct daemon_rings *rings,
                      struct guest_store *store);

#endif
