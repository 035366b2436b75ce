/* What remusd answers on its control socket. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_MAIN_DAEMON_VERBS_H
#define REPLICATION_MAIN_DAEMON_VERBS_H

#include <xenstore.h>

#include "replication/daemon/wards.h"
#include "replication/main/supervise.h"
#include "toolstack/control/server.h"

/* The data of the verbs. */
struct daemon_facts {
	const struct supervisor *supervisor;
	struct xs_handle *xs;
	struct wards *wards; /* NULL: nothing can be protected */
};

extern const struct control_verb daemon_verbs[];

#endif
