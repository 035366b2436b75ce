/* Instructions that may fault, and where the CPU goes on if they do. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_HW_FIXUP_H
#define XEN_CORE_HW_FIXUP_H

#include "lib/types.h"

/*
 * Inside asm, once per instruction that may fault: FIXUP("1b", "2b") with labels 1 (the
 * instruction) and 2 (where to resume; no register is changed). The linker script collects the
 * pairs between __fixup_start and __fixup_end.
 */
#define FIXUP(fault, resume)                                                                       \
	".pushsection .fixup, \"a\", @progbits\n"                                                  \
	".balign 8\n"                                                                              \
	".quad " fault ", " resume "\n"                                                            \
	".popsection\n"

/* Where to resume after a fault at rip, or 0: nobody expected it. For the exception handler. */
uint64_t fixup_find(uint64_t rip);

#endif
