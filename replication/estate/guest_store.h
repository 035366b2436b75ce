/* What a guest wrote into the xenstore, carried from one domain to its successor. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_ESTATE_GUEST_STORE_H
#define REPLICATION_ESTATE_GUEST_STORE_H

#include <stddef.h>
#include <stdint.h>

#include <xenstore.h>

/* Below a domain's home: what its guest says of itself and of its end of each device. Contents are text. */
struct guest_node {
	char *path; /* relative to the home */
	char *value;
};
struct guest_store {
	struct guest_node *nodes;
	size_t count, room;
};

/* A guest's nodes are its own to fill: this many, and what goes beyond is not carried. */
#define GUEST_STORE_NODES_MAX 4096u

/* One that came from elsewhere: both texts are copied. -EPROTO: it is no node that a guest's would be collected from;
 * -ENOMEM. */
int guest_store_add(struct guest_store *store, const char *path, const char *value);

/* Collects them. 0 or a negative errno. */
int guest_store_take(struct guest_store *store, struct xs_handle *xs, uint32_t domid);

/*
 * Writes them below the other domain's home, where its toolstack has made the devices' nodes. A frontend's state comes
 * after all else of it: the backend attaches when it sees that. What tells where the domain is (backend, its id)
 * stays as it is there.
 */
int guest_store_put(const struct guest_store *store, struct xs_handle *xs, uint32_t domid);

void guest_store_free(struct guest_store *store); /* fine if all zero */

#endif
