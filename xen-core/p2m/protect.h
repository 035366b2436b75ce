/* Taking the right to write from a whole map at once, and giving it back page by page. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_P2M_PROTECT_H
#define XEN_CORE_P2M_PROTECT_H

#include "p2m/p2m.h"

/*
 * An entry is closed if it lacks the right to write; a page can be written if every entry on its way
 * is open. The map's lock is held for all of these; whoever closes flushes after.
 */

/* Closes the top table's entries, and so everything: takes no longer for more memory. */
void p2m_close(struct p2m *p2m);

/*
 * While somebody watches, entries of type P2M_FOREIGN are closed when they are made. Those from before are closed by
 * p2m_close_foreign(), which walks all of the map: who begins to watch calls it afterwards. No lock is needed to begin or end.
 */
void p2m_watch_foreign(void);
void p2m_unwatch_foreign(void);
bool p2m_foreign_is_watched(void);
void p2m_close_foreign(struct p2m *p2m);

enum p2m_opened {
	P2M_OPENED,
	P2M_WAS_OPEN,
	P2M_OPENED_ALL, /* for want of memory its whole large page was opened */
};

/* Opens one mapped page of a writable type, and leaves its neighbours closed. */
enum p2m_opened p2m_open(struct p2m *p2m, gfn_t gfn);

/* The gfn that has a frame as RAM, by a walk of all of the map; GFN_NONE. */
gfn_t p2m_find(struct p2m *p2m, mfn_t mfn);

#endif
