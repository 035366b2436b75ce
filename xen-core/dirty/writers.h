/* Who writes a domain's pages unseen: those pages are dirty in every epoch. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_DIRTY_WRITERS_H
#define XEN_CORE_DIRTY_WRITERS_H

#include "dirty/log.h"

/* With the map's lock held: every writer's page is entered into the running epoch. */
void writers_note(struct p2m *p2m);

/* Foreign writers count from their first write that a log has seen to that log's end. */
void writers_forget_foreign(struct p2m *p2m);

/* Adds the writer of a frame that dom0 has mapped, if the map has it and a log. -ENOMEM. */
int writers_add_foreign(struct p2m *p2m, mfn_t mfn);

#endif
