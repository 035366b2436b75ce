/* What the boot loader told us, in one form for multiboot 1 and 2. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_BOOT_BOOT_INFO_H
#define XEN_CORE_BOOT_BOOT_INFO_H

#include "lib/types.h"

#define BOOT_MAX_MODULES 4

struct boot_module {
	paddr_t start, end;
	char command_line
		[1024]; /* arguments only: the file name that some loaders begin with is gone */
};

struct boot_info {
	char loader[64];
	char command_line[1024];
	unsigned module_count;
	struct boot_module modules[BOOT_MAX_MODULES]; /* 0 the kernel, 1 its initrd */
	paddr_t rsdp;                                 /* a copy inside the tag, or 0 */
	paddr_t image_start, image_end;               /* where our image lies, whole pages */
};

extern struct boot_info boot_info;

#endif
