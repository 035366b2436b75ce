/* Unpacks an .xz file that is held in memory as a whole. */
/* SPDX-License-Identifier: Apache-2.0 */

/* A file is a 12-byte header, blocks, an index of the blocks and a 12-byte footer that repeats
 * the header's flags. An index opens with a zero byte, which no block does. Numbers without a
 * fixed size are written seven bits a byte, lowest first, bit 7 set in all but the last
 * ("varints" below). */

#include "lib/xz.h"

#include <stdbool.h>
#include <stdint.h>

#include "lib/bcj_x86.h"
#include "lib/bytes.h"
#include "lib/crc.h"
#include "lib/errno.h"
#include "lib/lzma2.h"
#include "lib/string.h"

enum {
	HEADER_SIZE = 12, /* the footer's too */
	CRC_SIZE = 4,
	BLOCK_HEADER_MIN = 8,

	CHECK_NONE = 0,
	CHECK_CRC32 = 1,
	CHECK_CRC64 = 4,

	BLOCK_FILTERS_MASK = 0x03, /* their number, less one */
	BLOCK_RESERVED_MASK = 0x3c,
	BLOCK_HAS_PACKED_SIZE = 0x40,
	BLOCK_HAS_PLAIN_SIZE = 0x80,

	FILTER_X86 = 0x04,
	FILTER_LZMA2 = 0x21,
	LZMA2_DICTIONARY_MAX = 40, /* as its property byte codes it */
};

static const uint8_t header_magic[] = { 0xfd, '7', 'z', 'X', 'Z', 0x00 };
static const uint8_t footer_magic[] = { 'Y', 'Z' };
static const uint64_t size_unknown = UINT64_MAX;

/* Not yet read input. */
struct span {
	const uint8_t *at, *end;
};

struct xz {
	struct span in;
	uint8_t *out, *out_end;
	uint8_t check;
	uint64_t blocks;
	uint64_t fingerprint; /* of all blocks' sizes, in order, to hold against the index */
};

struct block_header {
	uint64_t packed_size, plain_size; /* or size_unknown */
	bool is_x86;
	uint32_t x86_start;
};

static struct lzma lzma;

static size_t left(const struct span *span)
{
	return (size_t)(span->end - span->at);
}

static bool take_byte(struct span *span, uint8_t *byte)
{
	if (left(span) == 0)
		return false;
	*byte = *span->at++;
	return true;
}

static bool take_varint(struct span *span, uint64_t *value)
{
	uint8_t byte;

	*value = 0;
	for (int shift = 0; shift < 63; shift += 7) {
		if (!take_byte(span, &byte))
			return false;
		*value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return byte != 0 || shift == 0;
	}
	return false;
}

/* Zero bytes until what began at `start` has a size that is a multiple of four. */
static bool take_padding(struct span *span, const uint8_t *start)
{
	uint8_t byte;

	while ((span->at - start) % 4 != 0) {
		if (!take_byte(span, &byte) || byte != 0)
			return false;
	}
	return true;
}

/* The CRC32 of everything from `start` up to here. */
static bool take_crc(struct span *span, const uint8_t *start)
{
	if (left(span) < CRC_SIZE ||
	    load_le32(span->at) != crc32(0, start, (size_t)(span->at - start)))
		return false;
	span->at += CRC_SIZE;
	return true;
}

static uint64_t fingerprint(uint64_t before, uint64_t unpadded_size, uint64_t plain_size)
{
	uint64_t sizes[] = { unpadded_size, plain_size };

	return crc64(before, sizes, sizeof(sizes));
}

static int read_header(struct xz *xz)
{
	const uint8_t *flags = xz->in.at + sizeof(header_magic);

	if (left(&xz->in) < HEADER_SIZE ||
	    memcmp(xz->in.at, header_magic, sizeof(header_magic)) != 0)
		return -EINVAL;
	xz->in.at = flags + 2;
	if (!take_crc(&xz->in, flags))
		return -EINVAL;
	xz->check = flags[1];
	if (flags[0] != 0 ||
	    (xz->check != CHECK_NONE && xz->check != CHECK_CRC32 && xz->check != CHECK_CRC64))
		return -EOPNOTSUPP;
	return 0;
}

/* One filter's id, size of properties, and properties. */
static int read_x86_filter(struct span *in, struct block_header *header)
{
	uint64_t id, size;

	if (!take_varint(in, &id) || !take_varint(in, &size))
		return -EINVAL;
	if (id != FILTER_X86)
		return -EOPNOTSUPP;
	if (size != 0 && (size != sizeof(header->x86_start) || left(in) < size))
		return -EINVAL;
	header->is_x86 = true;
	header->x86_start = size ? load_le32(in->at) : 0;
	in->at += size;
	return 0;
}

static int read_lzma2_filter(struct span *in)
{
	uint64_t id, size;
	uint8_t dictionary;

	if (!take_varint(in, &id) || !take_varint(in, &size))
		return -EINVAL;
	if (id != FILTER_LZMA2)
		return -EOPNOTSUPP;
	if (size != 1 || !take_byte(in, &dictionary) || dictionary > LZMA2_DICTIONARY_MAX)
		return -EINVAL;
	return 0;
}

static int read_filters(struct span *in, struct block_header *header, uint8_t flags)
{
	int filters = (flags & BLOCK_FILTERS_MASK) + 1;
	int error = 0;

	if (filters > 2 || flags & BLOCK_RESERVED_MASK)
		return -EOPNOTSUPP;
	if (filters == 2)
		error = read_x86_filter(in, header);
	return error ? error : read_lzma2_filter(in);
}

static int read_block_header(struct span *in, struct block_header *header)
{
	const uint8_t *start = in->at;
	size_t size = (*start + 1U) * 4;
	struct span fields = { .at = start + 2, .end = start + size - CRC_SIZE };
	struct span crc = { .at = fields.end, .end = in->end };
	uint8_t flags;
	int error;

	if (size < BLOCK_HEADER_MIN || left(in) < size || !take_crc(&crc, start))
		return -EINVAL;
	flags = start[1];
	*header = (struct block_header){ .packed_size = size_unknown, .plain_size = size_unknown };
	if (flags & BLOCK_HAS_PACKED_SIZE && !take_varint(&fields, &header->packed_size))
		return -EINVAL;
	if (flags & BLOCK_HAS_PLAIN_SIZE && !take_varint(&fields, &header->plain_size))
		return -EINVAL;
	error = read_filters(&fields, header, flags);
	if (error)
		return error;
	while (fields.at < fields.end) {
		if (*fields.at++ != 0)
			return -EOPNOTSUPP;
	}
	in->at = start + size;
	return 0;
}

static int verify_check(struct xz *xz, const uint8_t *plain, size_t size)
{
	size_t check_size = xz->check == CHECK_CRC64 ? 8 : xz->check == CHECK_CRC32 ? 4 : 0;
	const uint8_t *check = xz->in.at;

	if (left(&xz->in) < check_size)
		return -EINVAL;
	xz->in.at += check_size;
	if (xz->check == CHECK_CRC64 && load_le64(check) != crc64(0, plain, size))
		return -EINVAL;
	if (xz->check == CHECK_CRC32 && load_le32(check) != crc32(0, plain, size))
		return -EINVAL;
	return 0;
}

static int read_block(struct xz *xz)
{
	const uint8_t *start = xz->in.at;
	struct block_header header;
	size_t packed_size, plain_size, padding;
	uint8_t *plain = xz->out;
	int error = read_block_header(&xz->in, &header);

	if (error)
		return error;
	error = lzma2_decode(&lzma, xz->in.at, left(&xz->in), plain, (size_t)(xz->out_end - plain),
	                     &packed_size, &plain_size);
	if (error)
		return error;
	if ((header.packed_size != size_unknown && header.packed_size != packed_size) ||
	    (header.plain_size != size_unknown && header.plain_size != plain_size))
		return -EINVAL;
	xz->in.at += packed_size;
	padding = (0 - packed_size) % 4;
	if (!take_padding(&xz->in, start))
		return -EINVAL;
	if (header.is_x86)
		bcj_x86_decode(plain, plain_size, header.x86_start);
	xz->out += plain_size;
	error = verify_check(xz, plain, plain_size);
	xz->blocks++;
	xz->fingerprint = fingerprint(xz->fingerprint, (size_t)(xz->in.at - start) - padding,
	                              plain_size);
	return error;
}

/* The index must tell the same blocks that were read. Sets *size to its own. */
static int read_index(struct xz *xz, size_t *size)
{
	const uint8_t *start = xz->in.at++;
	uint64_t blocks, unpadded_size, plain_size;
	uint64_t seen = 0;

	if (!take_varint(&xz->in, &blocks) || blocks != xz->blocks)
		return -EINVAL;
	for (; blocks > 0; blocks--) {
		if (!take_varint(&xz->in, &unpadded_size) || !take_varint(&xz->in, &plain_size))
			return -EINVAL;
		seen = fingerprint(seen, unpadded_size, plain_size);
	}
	if (seen != xz->fingerprint || !take_padding(&xz->in, start) || !take_crc(&xz->in, start))
		return -EINVAL;
	*size = (size_t)(xz->in.at - start);
	return 0;
}

static int read_footer(struct xz *xz, size_t index_size)
{
	const uint8_t *footer = xz->in.at;
	const uint8_t *index_words = footer + CRC_SIZE; /* less one */
	const uint8_t *flags = index_words + 4;
	const uint8_t *magic = flags + 2;

	if (left(&xz->in) != HEADER_SIZE ||
	    memcmp(magic, footer_magic, sizeof(footer_magic)) != 0 ||
	    load_le32(footer) != crc32(0, index_words, (size_t)(magic - index_words)) ||
	    (load_le32(index_words) + (uint64_t)1) * 4 != index_size || flags[0] != 0 ||
	    flags[1] != xz->check)
		return -EINVAL;
	return 0;
}

int xz_decode(const void *in, size_t in_size, void *out, size_t out_size, size_t *produced)
{
	struct xz xz = {
		.in = { .at = in, .end = (const uint8_t *)in + in_size },
		.out = out,
		.out_end = (uint8_t *)out + out_size,
	};
	size_t index_size;
	int error = read_header(&xz);

	while (!error && left(&xz.in) > 0 && *xz.in.at != 0)
		error = read_block(&xz);
	if (!error && left(&xz.in) == 0)
		error = -EINVAL;
	if (!error)
		error = read_index(&xz, &index_size);
	if (!error)
		error = read_footer(&xz, index_size);
	if (!error)
		*produced = (size_t)(xz.out - (uint8_t *)out);
	return error;
}
