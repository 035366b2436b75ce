/* RAM that is in use before the frame allocator works, and for good or for a while after. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_MM_BOOT_MEMORY_H
#define XEN_CORE_MM_BOOT_MEMORY_H

#include "lib/types.h"

/* Boot CPU only, after memory_map_sanitise() and until frame_init(). */

/* [start, end), widened to whole pages, is in use: our image, the modules. */
void boot_memory_reserve(paddr_t start, paddr_t end);

/* The highest free RAM below `limit`, zeroed, in whole pages; a fatal error if there is none. */
paddr_t boot_memory_take(uint64_t size, paddr_t limit);

/* The first range of RAM from `from` on that is not in use; false if there is none. */
bool boot_memory_next_free(paddr_t from, paddr_t *start, paddr_t *end);

#endif
