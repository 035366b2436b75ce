/* Building dom0: a PVH guest that owns the machine's devices and whose memory is mapped 1:1. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_BOOT_DOM0_H
#define XEN_CORE_BOOT_DOM0_H

#include "domain/domain.h"
#include "mm/memory_map.h"

/* Builds dom0 from the boot modules and makes its first vCPU runnable. Fatal if it cannot. */
void dom0_build(void);

/* dom0_memory.c: claims the memory that the options give dom0, lowest addresses first, maps it 1:1 and
 * describes it in map as dom0 is to see it. Returns the pages claimed. */
uint64_t dom0_memory_claim(struct domain *domain, struct memory_map *map);

/* Takes [start, end), whole pages within one range of RAM, out of the map's RAM. */
void dom0_memory_retype(struct memory_map *map, paddr_t start, paddr_t end, uint32_t type);

/* dom0_acpi.c: writes RSDP, XSDT and MADT for dom0 at an address of its memory; returns the RSDP's
 * address. The tables need DOM0_ACPI_PAGES. */
#define DOM0_ACPI_PAGES 4
paddr_t dom0_acpi_build(const struct domain *domain, paddr_t at);

/* dom0_ports.c: three frames of port permissions: everything but what the hypervisor keeps. */
mfn_t dom0_port_map(void);

#endif
