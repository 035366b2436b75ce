/* LZMA2: chunks of LZMA or of plain bytes, as a block of an .xz file holds them. */
/* SPDX-License-Identifier: Apache-2.0 */

/* A chunk opens with a control byte:
 *
 *    00          end mark
 *    01, 02      plain bytes; 01 forgets the dictionary first
 *    80 .. ff    LZMA: bits 0-4 are bits 16-20 of the size put out less one, bits 5-6 what to
 *                reset: 0 nothing, 1 models, 2 models with new properties, 3 that and the
 *                dictionary
 *
 * then, big-endian and less one: [LZMA: 16 bits of the size put out] 16 bits of the size held
 * [LZMA with new properties: one byte of them]. */

#include "lib/lzma2.h"

#include "lib/bytes.h"
#include "lib/errno.h"
#include "lib/string.h"

enum {
	CONTROL_END = 0x00,
	CONTROL_PLAIN_FORGET = 0x01,
	CONTROL_PLAIN = 0x02,
	CONTROL_LZMA = 0x80,
	CONTROL_LZMA_RESET = 0xa0,
	CONTROL_LZMA_PROPERTIES = 0xc0,
	CONTROL_LZMA_FORGET = 0xe0,
};

struct chunks {
	struct lzma *lzma;
	const uint8_t *in, *in_end;
	uint8_t *out, *out_end;
	const uint8_t *dictionary; /* NULL until the first chunk forgets what was never there */
	bool has_properties;       /* since the dictionary was last forgotten */
};

static size_t load_size(const uint8_t *from)
{
	return (size_t)__builtin_bswap16(load_le16(from)) + 1;
}

static bool has(const struct chunks *chunks, size_t size)
{
	return (size_t)(chunks->in_end - chunks->in) >= size;
}

/* Returns -ENOSPC if `size` more bytes do not fit. */
static int check_room(const struct chunks *chunks, size_t size)
{
	return (size_t)(chunks->out_end - chunks->out) < size ? -ENOSPC : 0;
}

static int plain_chunk(struct chunks *chunks)
{
	size_t size;

	if (!has(chunks, 2) || !chunks->dictionary)
		return -EINVAL;
	size = load_size(chunks->in);
	chunks->in += 2;
	if (!has(chunks, size))
		return -EINVAL;
	if (check_room(chunks, size))
		return -ENOSPC;
	memcpy(chunks->out, chunks->in, size);
	chunks->in += size;
	chunks->out += size;
	return 0;
}

/* Properties and resets of an LZMA chunk; the properties byte is known to be there. */
static int lzma_prepare(struct chunks *chunks, uint8_t control)
{
	if (control >= CONTROL_LZMA_PROPERTIES) {
		if (!lzma_set_properties(chunks->lzma, *chunks->in++))
			return -EINVAL;
		chunks->has_properties = true;
	}
	if (!chunks->dictionary || !chunks->has_properties)
		return -EINVAL;
	if (control >= CONTROL_LZMA_RESET)
		lzma_reset(chunks->lzma);
	return 0;
}

static int lzma_chunk(struct chunks *chunks, uint8_t control)
{
	size_t plain_size, size;
	int error;

	if (!has(chunks, 5))
		return -EINVAL;
	plain_size = load_size(chunks->in) + ((size_t)(control & 0x1f) << 16);
	size = load_size(chunks->in + 2);
	chunks->in += 4;
	error = lzma_prepare(chunks, control);
	if (error)
		return error;
	if (!has(chunks, size + LZMA_INPUT_SLACK))
		return -EINVAL;
	if (check_room(chunks, plain_size))
		return -ENOSPC;
	if (!lzma_decode(chunks->lzma, chunks->in, chunks->in + size, chunks->dictionary,
	                 chunks->out, chunks->out + plain_size))
		return -EINVAL;
	chunks->in += size;
	chunks->out += plain_size;
	return 0;
}

static int decode_chunk(struct chunks *chunks, uint8_t control)
{
	if (control >= CONTROL_LZMA_FORGET || control == CONTROL_PLAIN_FORGET) {
		chunks->dictionary = chunks->out;
		chunks->has_properties = false;
	}
	if (control >= CONTROL_LZMA)
		return lzma_chunk(chunks, control);
	return control <= CONTROL_PLAIN ? plain_chunk(chunks) : -EINVAL;
}

int lzma2_decode(struct lzma *lzma, const uint8_t *in, size_t in_size, uint8_t *out,
                 size_t out_size, size_t *consumed, size_t *produced)
{
	struct chunks chunks = {
		.lzma = lzma,
		.in = in,
		.in_end = in + in_size,
		.out = out,
		.out_end = out + out_size,
	};

	while (has(&chunks, 1)) {
		uint8_t control = *chunks.in++;
		int error;

		if (control == CONTROL_END) {
			*consumed = (size_t)(chunks.in - in);
			*produced = (size_t)(chunks.out - out);
			return 0;
		}
		error = decode_chunk(&chunks, control);
		if (error)
			return error;
	}
	return -EINVAL;
}
