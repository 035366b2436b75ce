/* What Corosync knows of the cluster by its configuration: names, numbers, timing. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef FENCING_CLUSTER_FACTS_H
#define FENCING_CLUSTER_FACTS_H

#include "fencing/cluster/cluster.h"

struct facts {
	/* ms from when a host goes to when the others are told of it, at most: token, consensus, a quorum device's time to
	 * decide, and what a busy host adds. */
	uint32_t lag;
	uint32_t
		echo; /* ms between two messages by which Corosync shows that it works: a third of the token, 100 to 1000 */
	unsigned int count;
	struct {
		uint32_t id;
		char name[CLUSTER_NAME_SIZE]; /* the first address of a host that has none */
	} hosts[CLUSTER_NODES_MAX];
};

/* Waits for Corosync. 0, or -ENOTCONN. */
int facts_read(struct facts *facts);

/* 0, or -ENOENT. */
int facts_find(const struct facts *facts, const char *name, uint32_t *id);
int facts_name(const struct facts *facts, uint32_t id, char name[CLUSTER_NAME_SIZE]);

#endif
