/* LZMA2: chunks of LZMA or of plain bytes, as a block of an .xz file holds them. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XEN_CORE_LIB_LZMA2_H
#define XEN_CORE_LIB_LZMA2_H

#include <stddef.h>
#include <stdint.h>

#include "lib/lzma.h"

/* Decodes chunks from `in` up to and including the end mark. What it puts out is its dictionary
 * too, so the caller must change none of it before the end. 0, -EINVAL, or -ENOSPC if `out` is
 * too small; sets *consumed and *produced on success.
 *
 * A chunk that ends less than LZMA_INPUT_SLACK bytes before the end of `in` is refused: in an
 * .xz file the end mark, the index and the footer are never shorter. */
int lzma2_decode(struct lzma *lzma, const uint8_t *in, size_t in_size, uint8_t *out,
                 size_t out_size, size_t *consumed, size_t *produced);

#endif
