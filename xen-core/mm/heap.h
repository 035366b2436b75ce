/* Small objects of the hypervisor, from the frame allocator. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_MM_HEAP_H
#define XEN_CORE_MM_HEAP_H

#include <stddef.h>

void *heap_alloc(size_t size); /* zeroed, 16-byte aligned (a page from a page up); NULL if none */
void heap_free(void *object);  /* NULL is fine */

#endif
