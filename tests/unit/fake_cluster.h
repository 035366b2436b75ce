/* A cluster for tests of what stands on it: three hosts in one process, that die and are cut off by call. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef TESTS_UNIT_FAKE_CLUSTER_H
#define TESTS_UNIT_FAKE_CLUSTER_H

#include <stdbool.h>

#include "fencing/cluster/cluster.h"

/* Hosts are numbered 1 to 3; each has a vote. All begin alive, and in sight of each other. */
#define FAKE_HOSTS 3

void fake_cluster_begin(struct ev_loop *loop);
void fake_cluster_end(struct ev_loop *loop);

/* One that is dead hears and says nothing; its own view says that it lost the connection. */
void fake_cluster_set_alive(uint32_t host, bool is_alive);
/* One that is cut off sees itself, without quorum. */
void fake_cluster_set_cut(uint32_t host, bool is_cut);
/* Whether its remusd is in the group. */
void fake_cluster_set_daemon(uint32_t host, bool is_there);

struct cluster *fake_cluster_of(uint32_t host);

extern bool fake_cluster_decides; /* what views say; true at first */

#endif
