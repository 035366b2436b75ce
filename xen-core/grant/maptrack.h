/* The handles of a domain that maps grants: what each stands for. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_GRANT_MAPTRACK_H
#define XEN_CORE_GRANT_MAPTRACK_H

#include "domain/domain.h"

#define HANDLE_NONE UINT32_MAX

/*
 * A grant that is mapped. It holds a reference on the granter: a domain that was destroyed keeps its
 * struct and its table, though none of its vCPUs and no frame that nobody has mapped, until the
 * last mapping of its grants is gone. So the way back from a handle never ends nowhere.
 */
struct mapping {
	struct domain *granter; /* NULL: the handle is free, or not filled yet */
	gfn_t gfn;              /* where the mapper has it */
	gfn_t granter_gfn;
	union {
		grant_ref_t ref;
		grant_handle_t next_free;
	};
	bool write;
};

struct maptrack {
	struct mapping **pages; /* MAPTRACK_PAGES of them, made with the first mapping */
	unsigned page_count;
	grant_handle_t free;        /* a list through the entries */
	grant_handle_t released_to; /* maptrack_take_any: nothing is mapped below */
};

void maptrack_init(struct maptrack *maptrack);
void maptrack_destroy(struct maptrack *maptrack);

/* Each takes the lock of the mapper's table. */

/* A handle that nobody can use until it is filled; HANDLE_NONE if there are no more. */
grant_handle_t maptrack_reserve(struct domain *mapper);
void maptrack_fill(struct domain *mapper, grant_handle_t handle, const struct mapping *mapping);
void maptrack_cancel(struct domain *mapper, grant_handle_t handle); /* reserved, not to be filled */

/* Frees the handle: the mapping, with its reference on the granter, is the caller's to undo. GNTST_*. */
int16_t maptrack_take(struct domain *mapper, grant_handle_t handle, gfn_t gfn,
                      struct mapping *mapping);

/* The same for any handle of a domain that maps no more; false if none is left. */
bool maptrack_take_any(struct domain *mapper, struct mapping *mapping);

#endif
