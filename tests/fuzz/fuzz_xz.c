/* Feeds the .xz reader with anything: whole files, files with mended checksums, bare LZMA2. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: xen-core/lib/xz.c xen-core/lib/lzma.c xen-core/lib/lzma2.c xen-core/lib/bcj_x86.c xen-core/lib/crc.c */

/* The first byte says which; the second how much room there is for what comes out. */

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/bcj_x86.h"
#include "lib/bytes.h"
#include "lib/crc.h"
#include "lib/lzma2.h"
#include "lib/xz.h"

enum { STREAM_HEADER_SIZE = 12, CRC_SIZE = 4 };

static struct lzma lzma;

/* Makes the CRCs of the stream's and of the first block's header right, so that what lies behind
 * them is reached. */
static void mend(uint8_t *file, size_t size)
{
	size_t block_size;

	if (size < STREAM_HEADER_SIZE + 1)
		return;
	memcpy(file,
	       "\xfd"
	       "7zXZ\0",
	       6);
	store_le32(file + 8, crc32(0, file + 6, 2));
	block_size = (file[STREAM_HEADER_SIZE] + 1U) * 4;
	if (size < STREAM_HEADER_SIZE + block_size)
		return;
	store_le32(file + STREAM_HEADER_SIZE + block_size - CRC_SIZE,
	           crc32(0, file + STREAM_HEADER_SIZE, block_size - CRC_SIZE));
}

static void fuzz_file(const uint8_t *data, size_t size, uint8_t *out, size_t out_size)
{
	size_t produced;

	if (xz_decode(data, size, out, out_size, &produced) == 0)
		assert(produced <= out_size);
}

static void fuzz_lzma2(const uint8_t *data, size_t size, uint8_t *out, size_t out_size)
{
	size_t consumed, produced;

	if (lzma2_decode(&lzma, data, size, out, out_size, &consumed, &produced) == 0)
		assert(consumed <= size && produced <= out_size);
	bcj_x86_decode(out, out_size, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t out_size;
	uint8_t *in, *out;

	if (size < 2)
		return 0;
	out_size = data[1] * (size_t)data[1];
	in = malloc(size - 2);
	out = calloc(1, out_size);
	memcpy(in, data + 2, size - 2);
	if (data[0] % 3 == 1)
		mend(in, size - 2);
	if (data[0] % 3 == 2)
		fuzz_lzma2(in, size - 2, out, out_size);
	else
		fuzz_file(in, size - 2, out, out_size);
	free(in);
	free(out);
	return 0;
}
