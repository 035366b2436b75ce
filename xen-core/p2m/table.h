/* The tables of a map, as the files of this folder walk them. The map's lock is held. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_P2M_TABLE_H
#define XEN_CORE_P2M_TABLE_H

#include "mm/host_map.h"
#include "p2m/entry.h"

static inline uint64_t *table_of(mfn_t table)
{
	return mfn_to_virt(table);
}

static inline unsigned index_at(gfn_t gfn, unsigned level)
{
	return gfn.v >> (P2M_FANOUT_SHIFT * level) & (P2M_FANOUT - 1);
}

static inline unsigned order_at(unsigned level)
{
	return P2M_FANOUT_SHIFT * level;
}

/* Replaces a large leaf by a table of the same translations and rights, one size smaller. -ENOMEM. */
int p2m_split(struct p2m *p2m, uint64_t *entry, unsigned level);

#endif
