/* Fence agents and times of arbitration: from the configuration to the fencer and to guards. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_DAEMON_FENCES_H
#define REPLICATION_DAEMON_FENCES_H

#include "fencing/agent/fencer.h"
#include "fencing/guard/guard.h"
#include "toolstack/config/config.h"

/* The agent with its options, read from its file; 0, or a negative errno and why in a sentence. */
int fences_agent(struct agent *agent, const struct config_agent *from, char why[CONFIG_ERROR_SIZE]);

/* The agents of all peers are those of the configuration, and a host that is a peer of `before` only has none. All or
 * nothing: 0, or a negative errno and why. fencer NULL: the agents are looked at, no more. */
int fences_set(struct fencer *fencer, const struct config *config, const struct config *before,
               char why[CONFIG_ERROR_SIZE]);

struct guard_times fences_times(const struct config *config);

#endif
