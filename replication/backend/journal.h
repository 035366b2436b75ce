/* The shared file that carries ring journals from a killed process to the one that takes its place. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_BACKEND_JOURNAL_H
#define REPLICATION_BACKEND_JOURNAL_H

#include "replication/backend/ring.h"

/* Where it all lives: memory, gone with the host, as are the rings. */
#define JOURNAL_FOLDER "/run/remus"

/* Map count journals for a device, created empty if there are none: the mapping, or NULL and errno. */
struct ring_journal *journal_map(unsigned int domid, const char *kind, unsigned int devid,
                                 unsigned int count);

void journal_unmap(struct ring_journal *journal, unsigned int count);

/* The device is gone: so is its file. */
void journal_remove(unsigned int domid, const char *kind, unsigned int devid);

#endif
