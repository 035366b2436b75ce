/* Pages looked at by cache line: which of them changed, whether all is zero. */
/* SPDX-License-Identifier: Apache-2.0
 *
 * SSE2 is part of x86-64, so it needs no choice at run time; and one line is four of its registers.
 */

#include <emmintrin.h>
#include <string.h>

#include "replication/encode/lines.h"
#include "replication/wire/wire.h"

#define LINES (WIRE_PAGE_SIZE / WIRE_LINE_SIZE)
/* Lines that are compared before it is looked whether one of them differed: most pages differ in few. */
#define STRIDE 4u

static inline __m128i load(const uint8_t *bytes)
{
	return _mm_loadu_si128((const __m128i *)(const void *)bytes);
}

/* 0 in each byte where the lines are the same. */
static inline __m128i difference(const uint8_t *line, const uint8_t *old)
{
	__m128i a = _mm_xor_si128(load(line), load(old));
	__m128i b = _mm_xor_si128(load(line + 16), load(old + 16));
	__m128i c = _mm_xor_si128(load(line + 32), load(old + 32));
	__m128i d = _mm_xor_si128(load(line + 48), load(old + 48));

	return _mm_or_si128(_mm_or_si128(a, b), _mm_or_si128(c, d));
}

static inline bool is_zero(__m128i value)
{
	return _mm_movemask_epi8(_mm_cmpeq_epi8(value, _mm_setzero_si128())) == 0xffff;
}

uint64_t lines_changed(const uint8_t *page, const uint8_t *old)
{
	uint64_t mask = 0;

	for (uint32_t first = 0; first < LINES; first += STRIDE) {
		__m128i lines[STRIDE];
		__m128i all = _mm_setzero_si128();

		for (uint32_t i = 0; i < STRIDE; i++) {
			uint32_t at = (first + i) * WIRE_LINE_SIZE;

			lines[i] = difference(page + at, old + at);
			all = _mm_or_si128(all, lines[i]);
		}
		if (is_zero(all))
			continue;
		for (uint32_t i = 0; i < STRIDE; i++)
			mask |= (uint64_t)!is_zero(lines[i]) << (first + i);
	}
	return mask;
}

bool lines_are_zero(const uint8_t *page)
{
	for (uint32_t at = 0; at < WIRE_PAGE_SIZE; at += WIRE_LINE_SIZE) {
		__m128i a = _mm_or_si128(load(page + at), load(page + at + 16));
		__m128i b = _mm_or_si128(load(page + at + 32), load(page + at + 48));

		if (!is_zero(_mm_or_si128(a, b)))
			return false;
	}
	return true;
}

uint32_t lines_pack(const uint8_t *page, uint64_t mask, uint8_t *packed)
{
	uint8_t *to = packed;

	for (; mask; mask &= mask - 1) {
		memcpy(to, page + (uint32_t)__builtin_ctzll(mask) * WIRE_LINE_SIZE, WIRE_LINE_SIZE);
		to += WIRE_LINE_SIZE;
	}
	return (uint32_t)(to - packed);
}

void lines_unpack(uint8_t *page, uint64_t mask, const uint8_t *packed)
{
	for (; mask; mask &= mask - 1) {
		memcpy(page + (uint32_t)__builtin_ctzll(mask) * WIRE_LINE_SIZE, packed,
		       WIRE_LINE_SIZE);
		packed += WIRE_LINE_SIZE;
	}
}
