/* The options of a fence agent, in a file of their own: they are secrets. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef FENCING_AGENT_OPTIONS_H
#define FENCING_AGENT_OPTIONS_H

#include "fencing/agent/agent.h"

#define OPTIONS_WHY_SIZE 160

/* Reads lines NAME=VALUE into the agent's options; empty lines and those that begin with '#' are left out. The file must
 * belong to whom this process runs as, and be readable by nobody else. 0; else a negative errno, and why in a sentence,
 * which tells nothing of what the file holds. */
int options_read(struct agent *agent, const char *path, char why[OPTIONS_WHY_SIZE]);

#endif
