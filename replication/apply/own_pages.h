/* The pages that a shadow was made with: what the domain it mirrors does not have has to go. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_APPLY_OWN_PAGES_H
#define REPLICATION_APPLY_OWN_PAGES_H

#include "replication/hyper/hyper.h"

/* gfns ascend; a marked one has OWN_PAGE_KEPT. */
#define OWN_PAGE_KEPT (1ull << 63)
struct own_pages {
	uint64_t *gfns;
	size_t count, room;
};

/* All pages of a domain that nobody captures. 0 or a negative errno. */
int own_pages_list(struct hyper *hyper, uint16_t domain, struct own_pages *own);

/* These are there on the other side, too. */
void own_pages_mark(struct own_pages *own, const struct hyper_pages *pages);

/* Takes the others away from the domain, which is paused. */
int own_pages_clear_unmarked(struct hyper *hyper, uint16_t domain, const struct own_pages *own);

void own_pages_free(struct own_pages *own);

#endif
