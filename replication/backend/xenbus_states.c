/* When a backend waits, connects and closes: the xenbus handshake as a table, without the xenstore. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/backend/xenbus_states.h"

#include <stdint.h>

#include <xen/xen.h>
#include <xen/grant_table.h>
#include <xen/io/xenbus.h>

#define FRONTEND_STATES (XenbusStateClosed + 1)

const struct state xenbus_phases[PHASE_COUNT] = {
	[PHASE_NEW] = { "new", STATE_BIT(PHASE_WAIT) | STATE_BIT(PHASE_CONNECTED) |
	                               STATE_BIT(PHASE_CLOSING) | STATE_BIT(PHASE_CLOSED) |
	                               STATE_BIT(PHASE_BROKEN) },
	[PHASE_WAIT] = { "waiting", STATE_BIT(PHASE_CONNECTED) | STATE_BIT(PHASE_CLOSING) |
	                                    STATE_BIT(PHASE_CLOSED) | STATE_BIT(PHASE_BROKEN) },
	[PHASE_CONNECTED] = { "connected", STATE_BIT(PHASE_WAIT) | STATE_BIT(PHASE_CLOSING) |
	                                           STATE_BIT(PHASE_CLOSED) |
	                                           STATE_BIT(PHASE_BROKEN) },
	[PHASE_CLOSING] = { "closing", STATE_BIT(PHASE_WAIT) | STATE_BIT(PHASE_CLOSED) |
	                                       STATE_BIT(PHASE_BROKEN) },
	[PHASE_CLOSED] = { "closed", STATE_BIT(PHASE_WAIT) | STATE_BIT(PHASE_BROKEN) },
	[PHASE_BROKEN] = { "broken", STATE_BIT(PHASE_CLOSED) },
};

/* By our phase and the frontend's state. "Unknown" is a frontend whose node is gone: it was destroyed. */
/* clang-format off */
static const uint8_t next[PHASE_COUNT][FRONTEND_STATES] = {
#define ROW(unknown, initialising, wait, initialised, connected, closing, closed) {	\
	[XenbusStateUnknown] = PHASE_##unknown,						\
	[XenbusStateInitialising] = PHASE_##initialising,				\
	[XenbusStateInitWait] = PHASE_##wait,						\
	[XenbusStateInitialised] = PHASE_##initialised,					\
	[XenbusStateConnected] = PHASE_##connected,					\
	[XenbusStateClosing] = PHASE_##closing,						\
	[XenbusStateClosed] = PHASE_##closed,						\
}
	/* the frontend:         gone    initialising  init-wait  initialised connected  closing    closed */
	[PHASE_NEW]       = ROW(CLOSED,  WAIT,         WAIT,      WAIT,       WAIT,      CLOSING,   CLOSED),
	[PHASE_WAIT]      = ROW(CLOSED,  WAIT,         WAIT,      CONNECTED,  CONNECTED, CLOSING,   CLOSED),
	[PHASE_CONNECTED] = ROW(CLOSED,  WAIT,         CONNECTED, CONNECTED,  CONNECTED, CLOSING,   CLOSED),
	[PHASE_CLOSING]   = ROW(CLOSED,  WAIT,         CLOSING,   CLOSING,    CLOSING,   CLOSING,   CLOSED),
	[PHASE_CLOSED]    = ROW(CLOSED,  WAIT,         WAIT,      WAIT,       CLOSED,    CLOSED,    CLOSED),
	[PHASE_BROKEN]    = ROW(CLOSED,  BROKEN,       BROKEN,    BROKEN,     BROKEN,    BROKEN,    CLOSED),
#undef ROW
};
/* clang-format on */

static bool is_live(unsigned int frontend)
{
	return frontend == XenbusStateInitialised || frontend == XenbusStateConnected;
}

enum phase xenbus_first(const struct xenbus_facts *facts, bool *is_attach)
{
	*is_attach = facts->backend == XenbusStateConnected && is_live(facts->frontend);
	switch (facts->backend) {
	case XenbusStateClosing:
		return PHASE_CLOSING;
	case XenbusStateClosed:
		return PHASE_CLOSED;
	default:
		return PHASE_NEW;
	}
}

enum phase xenbus_next(enum phase phase, const struct xenbus_facts *facts)
{
	unsigned int frontend = facts->frontend;
	enum phase to = next[phase][frontend < FRONTEND_STATES ? frontend : XenbusStateUnknown];

	/* The toolstack asks a device to close by writing our state. A connected frontend sees that too
	 * and closes; one that never connected cannot. */
	if ((phase == PHASE_NEW || phase == PHASE_WAIT) && facts->backend == XenbusStateClosing)
		to = PHASE_CLOSED;
	if (phase == PHASE_CLOSED && !facts->is_online)
		return phase;
	if (to == PHASE_CONNECTED && phase == PHASE_WAIT && !facts->is_ready)
		return phase;
	/* Work of the old connection ends before we are closed or begin anew. */
	if ((to == PHASE_CLOSED || to == PHASE_WAIT) && !facts->is_idle)
		return phase == PHASE_CONNECTED ? PHASE_CLOSING : phase;
	return to;
}

unsigned int xenbus_state_of(enum phase phase)
{
	static const uint8_t states[PHASE_COUNT] = {
		[PHASE_NEW] = XenbusStateInitialising,    [PHASE_WAIT] = XenbusStateInitWait,
		[PHASE_CONNECTED] = XenbusStateConnected, [PHASE_CLOSING] = XenbusStateClosing,
		[PHASE_CLOSED] = XenbusStateClosed,       [PHASE_BROKEN] = XenbusStateClosing,
	};

	return states[phase];
}
