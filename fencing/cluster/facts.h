/* What Corosync knows of the cluster by its configuration: names, numbers, timing. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef FENCING_CLUSTER_FACTS_H
#define FENCING_CLUSTER_FACTS_H

#include <stdint.h>

#include <corosync/cmap.h>

#include "fencing/cluster/cluster.h"

/* ms from when a host goes to when the others are told of it, at most: token, consensus, a quorum device's time to
 * decide, and what a busy host adds. 0: it does not say. */
uint32_t facts_lag(cmap_handle_t map);

/* ms between two messages by which Corosync shows that it works: a third of the token, 100 to 1000. Part of the above. */
uint32_t facts_echo(cmap_handle_t map);

/* 0, or -ENOENT. */
int facts_find(cmap_handle_t map, const char *name, uint32_t *id);
int facts_name(cmap_handle_t map, uint32_t id, char name[CLUSTER_NAME_SIZE]);

#endif
