/* What remus-watchdog does: feeds the hypervisor's watchdog of dom0 until remusd has disarmed it, or is gone. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_DAEMON_FEEDER_H
#define REPLICATION_DAEMON_FEEDER_H

#include <stdint.h>
#include <xenctrl.h>

struct feeder {
	xc_interface *xc;
	uint32_t id, seconds; /* of the watchdog that remusd has armed */
	uint32_t linger;      /* ms */
};

/*
 * Stdin is remusd's. A byte: it has disarmed the watchdog, nothing is left to do. The end: it has died, and the lease that
 * it gave may let output out for a while yet: the watchdog is fed for `linger`, and disarmed. So a remusd that dies or is
 * restarted does not reset the host, and a dom0 in which no process runs does.
 */
void feeder_run(const struct feeder *feeder);

#endif
