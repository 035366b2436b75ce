/* Sets of CPUs on their way between us and a caller: the ABI's bitmap of any length. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_HYPERCALL_BITMAP_H
#define XEN_CORE_HYPERCALL_BITMAP_H

#include "hypercall/hypercall.h"

/* Bits that the caller's map does not have are 0; those past 64 are not ours and left out. */
long bitmap_read(struct hypercall *call, const struct xenctl_bitmap *map, uint64_t *bits);

/* As many as the caller has room for; the rest of its map is cleared. */
long bitmap_write(struct hypercall *call, const struct xenctl_bitmap *map, uint64_t bits);

/* The CPUs that are up. */
uint64_t bitmap_of_cpus(void);

#endif
