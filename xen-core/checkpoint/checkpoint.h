/* What the checkpoint hypercall does to a domain: docs/checkpoint.md. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_CHECKPOINT_CHECKPOINT_H
#define XEN_CORE_CHECKPOINT_CHECKPOINT_H

#include "abi/checkpoint.h"
#include "dirty/log.h"
#include "domain/unit.h"

/* What is kept of a domain that is attached. One operation at a time uses it. */
struct checkpoint {
	uint64_t epoch; /* of the last cut; 0: there was none */
	gfn_t cursor;   /* epoch 0: pages below have been fetched; GFN_NONE: all of them */
	void *state;    /* at the last cut */
	size_t state_size, state_room;
	uint8_t *contents, *old; /* a page each, on its way out */
};

extern const struct unit checkpoint_unit;

/* Around each operation. -EBUSY: another is under way; -ESRCH: the domain is dying. */
int checkpoint_begin(struct domain *domain);
void checkpoint_end(struct domain *domain);

/* As the operations of abi/checkpoint.h; the caller has checked what that says of arguments. */
int checkpoint_attach(struct domain *domain, const struct checkpoint_attach *attach);
void checkpoint_detach(struct domain *domain);
int checkpoint_cut(struct domain *domain, struct checkpoint_cut *cut);

/* The next page, its contents in domain->checkpoint's buffers; -ENOENT: there is none. */
int checkpoint_fetch(struct domain *domain, struct checkpoint_page *page, uint32_t *left);

/* The same without contents, of epoch 0; -EINVAL: that is over. */
int checkpoint_list(struct domain *domain, struct checkpoint_page *page, uint32_t *left);

/* One page of a paused domain. */
int checkpoint_apply(struct domain *domain, const struct checkpoint_page *page,
                     const void *contents);

/* A step of about so many pages. */
int checkpoint_hash(struct domain *domain, struct checkpoint_hash *hash, unsigned pages);

int checkpoint_activate(struct domain *domain, nanos_t deadline);

#endif
