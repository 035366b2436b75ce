/* Names for code addresses, from the table that the build generates. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_LIB_SYMBOLS_H
#define XEN_CORE_LIB_SYMBOLS_H

#include "lib/types.h"

/* The function that holds the address and the offset in it; NULL if it is not our code. */
const char *symbol_find(uint64_t address, uint64_t *offset);

#endif
