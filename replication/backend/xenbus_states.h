/* When a backend waits, connects and closes: the xenbus handshake as a table, without the xenstore. */
/* SPDX-License-Identifier: Apache-2.0
 *
 *      NEW --> WAIT --> CONNECTED --> CLOSING --> CLOSED --.
 *               ^  `--------|------------|----------^  |   |
 *               `-----------'------------'-------------'  (removed)
 *                           `--> BROKEN ------------^
 *
 *  NEW        nothing published yet
 *  WAIT       features published, the hotplug script may run; not connected
 *  CONNECTED  rings mapped, requests served
 *  CLOSING    the frontend is closing; rings are unmapped, work under way may not have ended
 *  CLOSED     nothing is left; the frontend may begin anew
 *  BROKEN     the frontend sent what it must not, or it could not be connected; only its close is waited for
 */

#ifndef REPLICATION_BACKEND_XENBUS_STATES_H
#define REPLICATION_BACKEND_XENBUS_STATES_H

#include <stdbool.h>

#include "common/states.h"

enum phase {
	PHASE_NEW,
	PHASE_WAIT,
	PHASE_CONNECTED,
	PHASE_CLOSING,
	PHASE_CLOSED,
	PHASE_BROKEN,
	PHASE_COUNT,
};

/* What is looked at to decide; frontend and backend are the xenbus states the store shows (XenbusState*). */
struct xenbus_facts {
	unsigned int frontend, backend;
	bool is_online; /* not being removed for good */
	bool is_ready;  /* the hotplug script has done its part */
	bool is_idle;   /* no work of an earlier connection is under way */
};

extern const struct state xenbus_phases[PHASE_COUNT];

/* The phase a process begins in that finds this in the store. is_attach: it takes up a live connection. */
enum phase xenbus_first(const struct xenbus_facts *facts, bool *is_attach);

/* Where to go from here; the same phase to stay. */
enum phase xenbus_next(enum phase phase, const struct xenbus_facts *facts);

/* The xenbus state that says so in the store. */
unsigned int xenbus_state_of(enum phase phase);

#endif
