/* Checksums: the CRC32 of Ethernet and zip, and the CRC64 of ECMA-182, as .xz files use them. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XEN_CORE_LIB_CRC_H
#define XEN_CORE_LIB_CRC_H

#include <stddef.h>
#include <stdint.h>

/* Start with crc = 0; to go on over a second piece pass what the first one returned.
 * The first call fills a table, so it must not race with another CPU's first call. */
uint32_t crc32(uint32_t crc, const void *data, size_t size);
uint64_t crc64(uint64_t crc, const void *data, size_t size);

#endif
