/* Where in the trampoline's parameters each of them stands: for the assembler and for C. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_BOOT_TRAMPOLINE_H
#define XEN_CORE_BOOT_TRAMPOLINE_H

#define TRAMPOLINE_GDT_LIMIT 0
#define TRAMPOLINE_GDT_BASE  2
#define TRAMPOLINE_FAR32     6  /* offset, selector */
#define TRAMPOLINE_FAR64     12 /* offset, selector */
#define TRAMPOLINE_CR0       20
#define TRAMPOLINE_CR3       24
#define TRAMPOLINE_CR4       28
#define TRAMPOLINE_EFER      32
#define TRAMPOLINE_STACK     40
#define TRAMPOLINE_ENTRY     48
#define TRAMPOLINE_SIZE      56

#endif
