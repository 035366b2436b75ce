/* How drivers reach device registers and firmware tables: the memory floor hands its function down. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "hw/device_map.h"

#include "lib/assert.h"

static device_map_fn *map_function;

void device_map_set(device_map_fn *map)
{
	map_function = map;
}

void *device_map(paddr_t address, size_t size, bool cached)
{
	ASSERT(map_function);
	return map_function(address, size, cached);
}
