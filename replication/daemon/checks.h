/* What stands against the protection of a VM, on either host: all of it in one list. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_DAEMON_CHECKS_H
#define REPLICATION_DAEMON_CHECKS_H

#include "replication/daemon/host.h"
#include "replication/daemon/vm_config.h"
#include "toolstack/config/config.h"

/* A list of {code, message, remedy}; the codes are those of docs/control.md. Empty: nothing. */
json_t *checks_primary(const struct protection *protection, const struct vm_config *config);

/* here: of this host. own: the number of the domain that is this VM's copy already; 0: there is none. */
json_t *checks_standby(struct host *host, const struct config *here,
                       const struct protection *protection, const struct vm_config *config,
                       unsigned int own);

/* Whether a peer may have a disk there: the path is one of the configuration's images, or lies below one. Symbolic links are
 * followed, those that lead to a block device up to the folder that they lie in. One that is not there may not. */
bool checks_may_have_image(const struct config *here, const char *path);

/* The refusal that tells of them (takes over the list): blocked, with the field `blockers`. */
json_t *checks_refusal(const char *host, const char *vm, json_t *blockers);

#endif
