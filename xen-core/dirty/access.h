/* The hypervisor's one way to read and write guest memory, so that what it writes is known as dirty. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_DIRTY_ACCESS_H
#define XEN_CORE_DIRTY_ACCESS_H

#include "p2m/p2m.h"

/* By guest-physical address, any length, page after page. -EFAULT if a page is missing or, for a
 * write, read-only: pages before it are done. */
int access_read(struct p2m *p2m, paddr_t from, void *to, size_t length);
int access_write(struct p2m *p2m, paddr_t to, const void *from, size_t length);

/* Replaces an aligned number of 4 or 8 bytes if it is still the old one; else -EAGAIN. -EFAULT. */
int access_exchange(struct p2m *p2m, paddr_t at, uint64_t old, uint64_t new, size_t size);

/* A page of a domain on which the caller has a reference. */
struct access_page {
	struct p2m *p2m;
	gfn_t gfn;
	mfn_t mfn;
};

/* Within the page. */
void access_write_page(const struct access_page *page, size_t offset, const void *from,
                       size_t length);

/*
 * A guest page that the hypervisor writes for a long time (vcpu_info, runstate): pinned, with its
 * address in the direct map. NULL if it is not writable RAM of the domain.
 */
struct access_pin {
	struct p2m *p2m;
	gfn_t gfn;
	mfn_t mfn;
	void *address;
};

int access_pin(struct p2m *p2m, gfn_t gfn, struct access_pin *pin);
void access_unpin(struct access_pin *pin); /* a pin never taken ({MFN_NONE}) is fine */

#endif
