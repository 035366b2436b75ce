/* One view of the cluster from what Corosync's services tell apart, at different moments. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef FENCING_CLUSTER_GATHER_H
#define FENCING_CLUSTER_GATHER_H

#include <stdbool.h>
#include <stdint.h>

#include "fencing/cluster/cluster.h"

/*
 *    group:      ... | host went .......................... echo back |
 *    votequorum: ... ......... hosts of the new ring ... quorum ..... |
 *    told:        the old view ....................................... the new view
 *
 * When the ring changes, group and votes are told one after the other, and with a quorum device seconds apart. What is
 * told in between is of two rings. A message that this host sends itself after the first news of a change comes
 * back only when Corosync has ended it, so then all has been said, and the whole is told at once.
 *
 * Echoes also date the view: they come back only while this host is in a ring that works. When the last that came back
 * was sent longer ago than `lag`, what is known is not told as quorum any more: Corosync may hang.
 *
 * Pure: no clock, no connection. Times are nanoseconds.
 */
struct gather {
	struct cluster_view told;
	struct cluster_change change; /* since `told` */
	struct cluster_nodes hosts, daemons;
	uint32_t self, lag;
	bool quorum_decides, is_quorate;
	bool has_hosts, has_quorum, is_refused;
	bool was_told;       /* anything since the connection was made */
	uint64_t changed_at; /* when the ring last began to change */
	uint64_t echo_at;    /* when the last echo that came back was sent; 0: none */
};

/* A connection is made; what is known of an older one is void, and stays `told`. */
void gather_begin(struct gather *gather, uint32_t self, uint32_t lag, bool quorum_decides);

/* The connection is lost. */
void gather_end(struct gather *gather);

void gather_ring_changes(struct gather *gather, uint64_t now);
/* Hosts of the ring: it changes. Too many: refused, never quorate while so. */
void gather_hosts(struct gather *gather, const uint32_t *ids, unsigned int count, uint64_t now);
void gather_quorum(struct gather *gather, bool is_quorate);
void gather_decides(struct gather *gather, bool quorum_decides);
/* One is enough of each host's processes in the group. */
void gather_daemons(struct gather *gather, const uint32_t *ids, unsigned int count);
void gather_echo(struct gather *gather, uint64_t sent_at);

/* Whether an echo is wanted at once: a change waits for it. */
bool gather_is_settled(const struct gather *gather);

/* Whether there is something to tell: then it is in view and change, and counts as told. */
bool gather_tell(struct gather *gather, uint64_t now, struct cluster_view *view,
                 struct cluster_change *change);

#endif
