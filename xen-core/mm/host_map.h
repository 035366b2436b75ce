/* The hypervisor's own address space: the direct map of RAM, its image, stacks, device pages. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_MM_HOST_MAP_H
#define XEN_CORE_MM_HOST_MAP_H

#include "lib/types.h"

#define DIRECT_MAP_BASE  0xffff800000000000UL /* all RAM but our image; no-execute, writable */
#define STACK_AREA_BASE  0xffffd00000000000UL /* per-CPU stacks with their guard pages */
#define DEVICE_AREA_BASE 0xffffe00000000000UL /* device registers and firmware tables */
#define IMAGE_BASE       0xffffffff80000000UL /* virtual address of physical 0 of the image's map */

static inline void *mfn_to_virt(mfn_t mfn)
{
	return (void *)(DIRECT_MAP_BASE + (mfn.v << PAGE_SHIFT));
}

static inline void *paddr_to_virt(paddr_t address)
{
	return (void *)(DIRECT_MAP_BASE + address);
}

/* Of an address in the direct map or in the image. */
paddr_t virt_to_paddr(const void *address);
mfn_t virt_to_mfn(const void *address);

void host_map_init(void); /* boot CPU: our tables replace those of head.S */

/* Maps [address, address+size) for good; cached: firmware tables, else uncached registers. NULL if no room. */
void *host_map_device(paddr_t address, size_t size, bool cached);

/* A CPU's block of stacks (hw/percpu.h) with its guard page; NULL if no memory. */
void *host_map_stack(unsigned cpu);

uint64_t host_map_root(void); /* CR3 */

/* The CR3 of a CPU that starts: below 4 GiB, the same as the root, and the lowest 2 MiB (RAM below
 * 1 MiB) where they are, writable and executable. host_map_cpu_init() leaves it. */
uint64_t host_map_boot_root(void);

/* Each CPU: our page tables and the rights they can give: CR0.WP, NX, SMEP, SMAP, UMIP; the PAT. */
void host_map_cpu_init(void);

#endif
