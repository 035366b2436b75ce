/* One entry of the nested page tables: how a frame, its type and rights are written for the CPU. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_P2M_ENTRY_H
#define XEN_CORE_P2M_ENTRY_H

#include "p2m/p2m.h"

#define P2M_LEVELS       4
#define P2M_FANOUT_SHIFT 9
#define P2M_FANOUT       512

/* An entry of no type is all zero. order is that of the page an entry of its level maps. */
uint64_t p2m_entry_leaf(mfn_t mfn, unsigned order, enum p2m_type type);
uint64_t p2m_entry_table(mfn_t table);
bool p2m_entry_is_present(uint64_t entry);
bool p2m_entry_is_leaf(uint64_t entry, unsigned level); /* level 0 holds 4 KiB pages */
mfn_t p2m_entry_mfn(uint64_t entry);
enum p2m_type p2m_entry_type(uint64_t entry);

/* Open: written to without a fault, as far as this entry is asked. Of the entries of a table too. */
bool p2m_entry_is_open(uint64_t entry);
uint64_t p2m_entry_open(uint64_t entry);
uint64_t p2m_entry_close(uint64_t entry);

#endif
