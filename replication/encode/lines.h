/* Pages looked at by cache line: which of them changed, whether all is zero. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_ENCODE_LINES_H
#define REPLICATION_ENCODE_LINES_H

#include <stdbool.h>
#include <stdint.h>

/* A bit for each line of 64 bytes that differs, the lowest for the first. Both are 4096 bytes, aligned as you like. */
uint64_t lines_changed(const uint8_t *page, const uint8_t *old);

bool lines_are_zero(const uint8_t *page);

/* Copies the lines of mask to packed, one after the other; returns its bytes. */
uint32_t lines_pack(const uint8_t *page, uint64_t mask, uint8_t *packed);

/* The other way round: the lines of mask get new contents, the others stay. */
void lines_unpack(uint8_t *page, uint64_t mask, const uint8_t *packed);

#endif
