/* What the boot loader hands over, read from either form of multiboot. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_BOOT_MULTIBOOT_H
#define XEN_CORE_BOOT_MULTIBOOT_H

#include "lib/types.h"

/* Fills boot_info and memory_map (as the firmware said it, not yet sanitised). Copies everything:
 * nobody needs the loader's memory afterwards, but for the modules. */
void multiboot_read(uint32_t magic, paddr_t info);

#endif
