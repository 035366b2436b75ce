/* The hypervisor's watchdog of dom0: armed by remusd, fed by a process of its own (remus-watchdog). */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_DAEMON_KEEPER_H
#define REPLICATION_DAEMON_KEEPER_H

#include <limits.h>
#include <stdint.h>

#include <ev.h>
#include <xenctrl.h>

/* All but the first two must be zero at first. The loop is libev's default one. */
struct keeper {
	struct ev_loop *loop;
	char program[PATH_MAX]; /* remus-watchdog */

	xc_interface *xc;
	uint32_t id, seconds, linger; /* seconds 0: it is not armed */
	int pipe;                     /* to the process */
	ev_tstamp started;
	unsigned int deaths; /* one soon after the other */
	ev_child death;
};

/* dom0 is reset when no process of it has run for so long; 0: never. linger: ms that a remusd which died may have left a
 * lease for. 0, or a negative errno: it is not armed. */
int keeper_set(struct keeper *keeper, uint32_t seconds, uint32_t linger);

#endif
