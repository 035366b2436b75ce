/* What stands against the protection of a VM, on either host: all of it in one list. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_DAEMON_CHECKS_H
#define REPLICATION_DAEMON_CHECKS_H

#include "replication/daemon/host.h"
#include "replication/daemon/vm_config.h"

/* A list of {code, message, remedy}; the codes are those of docs/control.md. Empty: nothing. */
json_t *checks_primary(const struct protection *protection, const struct vm_config *config);

/* own: the number of the domain that is this VM's copy already; 0: there is none. */
json_t *checks_standby(struct host *host, const struct protection *protection,
                       const struct vm_config *config, unsigned int own);

/* The refusal that tells of them (takes over the list): blocked, with the field `blockers`. */
json_t *checks_refusal(const char *host, const char *vm, json_t *blockers);

#endif
