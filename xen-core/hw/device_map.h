/* How drivers reach device registers and firmware tables: the memory floor hands its function down. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_HW_DEVICE_MAP_H
#define XEN_CORE_HW_DEVICE_MAP_H

#include "lib/types.h"

/* Makes [address, address+size) readable and writable for good; NULL if there is no room. */
typedef void *device_map_fn(paddr_t address, size_t size, bool cached);

/* Once, before any driver that maps (ACPI is the first). */
void device_map_set(device_map_fn *map);

void *device_map(paddr_t address, size_t size, bool cached);

#endif
