/* Connecting to Corosync: everything that waits for one that starts, or for ever for one that hangs. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef FENCING_CLUSTER_CONNECT_H
#define FENCING_CLUSTER_CONNECT_H

#include <corosync/cpg.h>
#include <corosync/votequorum.h>

#include "fencing/cluster/facts.h"

/* What libraries tell; the context of both handles is `context`. */
struct connect_calls {
	cpg_deliver_fn_t message;
	cpg_confchg_fn_t group;
	votequorum_callbacks_t votes;
	void *context;
};

/* Joined to the group, and told of votes: what happened since waits in the handles to be dispatched. */
struct connection {
	struct connect_calls calls;
	cpg_handle_t group;
	votequorum_handle_t votes;
	uint32_t self;
	bool decides; /* as in struct cluster_view */
	struct facts facts;
};

/* calls are set. 0, -ENOTCONN, or -EAGAIN: Corosync takes nobody in while its membership changes. */
int connect_corosync(struct connection *connection);
void connect_end(struct connection *connection);

/* Two votes are never a quorum that decides, whatever Corosync was told of two nodes. */
bool connect_decides(votequorum_handle_t votes, uint32_t self);

#endif
