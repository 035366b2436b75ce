/* The x86 filter of .xz files, undone: absolute CALL and JMP targets become relative again. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XEN_CORE_LIB_BCJ_X86_H
#define XEN_CORE_LIB_BCJ_X86_H

#include <stddef.h>
#include <stdint.h>

/* Undoes the filter in place over one whole block; `start` is the offset its first byte counts
 * as. */
void bcj_x86_decode(uint8_t *code, size_t size, uint32_t start);

#endif
