/* Unpacks an .xz file that is held in memory as a whole. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XEN_CORE_LIB_XZ_H
#define XEN_CORE_LIB_XZ_H

#include <stddef.h>

/* Unpacks the one stream that `in` holds, to `out`. Filters: LZMA2, alone or after x86. Checks:
 * none, CRC32, CRC64; what the file carries is verified. On success *produced is the size put
 * out; on failure the content of `out` is undefined.
 *
 * -EINVAL: not an .xz file, damaged, truncated, or something follows the stream
 * -EOPNOTSUPP: it uses a filter or a check that is not among those above
 * -ENOSPC: `out` is too small
 *
 * Not reentrant: the decoder's 28 KiB are static, as it is used once, at boot, before other
 * CPUs run. */
int xz_decode(const void *in, size_t in_size, void *out, size_t out_size, size_t *produced);

#endif
