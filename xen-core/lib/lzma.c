/* The LZMA decoder proper: from range-coded bits to literals and matches. */
/* SPDX-License-Identifier: Apache-2.0 */

/* Speed rules this file: a Linux kernel is 50 MB and dom0 waits for it. `struct decoding` is a
 * local variable of lzma_decode() whose helpers are all inlined, so that its members live in
 * registers. Input is not counted per byte: see LZMA_INPUT_SLACK. Output and distances are
 * checked per symbol. */

#include "lib/lzma.h"

#include "lib/bytes.h"

#define INLINE static inline __attribute__((always_inline))

enum {
	MODEL_BITS = 11,
	MODEL_ONE = 1 << MODEL_BITS,
	MODEL_SHIFT = 5, /* how fast a model learns */
	RANGE_MIN = 1 << 24,
	LZMA_START_SIZE = 5, /* a zero byte, then the first four of the code, big-endian */
	LENGTH_MIN = 2,
	SLOT_MODELLED = 4,        /* from here on a slot has more bits to follow */
	SLOT_PLAIN = 14,          /* from here on these are plain bits, then four modelled ones */
	STATE_AFTER_LITERALS = 7, /* states below this one: the latest symbol was a literal */
};

struct decoding {
	const uint8_t *in;
	uint8_t *out;
	uint8_t *out_end;
	const uint8_t *dictionary;
	uint32_t range, code;
	uint32_t state;
	uint32_t distance[4];
};

bool lzma_set_properties(struct lzma *lzma, uint8_t properties)
{
	uint32_t context_bits = properties % 9;
	uint32_t literal_position_bits = properties / 9 % 5;
	uint32_t position_bits = properties / 45;

	if (position_bits > 4 || context_bits + literal_position_bits > 4)
		return false;
	lzma->literal_context_bits = context_bits;
	lzma->literal_position_mask = (1U << literal_position_bits) - 1;
	lzma->position_mask = (1U << position_bits) - 1;
	return true;
}

void lzma_reset(struct lzma *lzma)
{
	uint16_t *models = (uint16_t *)&lzma->models;

	for (size_t i = 0; i < sizeof(lzma->models) / sizeof(*models); i++)
		models[i] = MODEL_ONE / 2;
	for (int i = 0; i < 4; i++)
		lzma->distance[i] = 0;
	lzma->state = 0;
}

INLINE void refill(struct decoding *d)
{
	if (d->range < RANGE_MIN) {
		d->range <<= 8;
		d->code = d->code << 8 | *d->in++;
	}
}

INLINE uint32_t decode_bit(struct decoding *d, uint16_t *model)
{
	uint32_t chance = *model;
	uint32_t bound;

	refill(d);
	bound = (d->range >> MODEL_BITS) * chance;
	if (d->code < bound) {
		d->range = bound;
		*model = (uint16_t)(chance + ((MODEL_ONE - chance) >> MODEL_SHIFT));
		return 0;
	}
	d->range -= bound;
	d->code -= bound;
	*model = (uint16_t)(chance - (chance >> MODEL_SHIFT));
	return 1;
}

/* `bits` bits, the highest first; each has one model for every value of those before it. */
INLINE uint32_t decode_tree(struct decoding *d, uint16_t *models, int bits)
{
	uint32_t node = 1;

	for (int i = 0; i < bits; i++)
		node = node << 1 | decode_bit(d, &models[node]);
	return node - (1U << bits);
}

/* The same, the lowest bit first. */
INLINE uint32_t decode_reverse_tree(struct decoding *d, uint16_t *models, int bits)
{
	uint32_t node = 1;
	uint32_t value = 0;

	for (int i = 0; i < bits; i++) {
		uint32_t bit = decode_bit(d, &models[node]);

		node = node << 1 | bit;
		value |= bit << i;
	}
	return value;
}

INLINE uint32_t decode_plain(struct decoding *d, int bits)
{
	uint32_t value = 0;

	for (int i = 0; i < bits; i++) {
		uint32_t below; /* all ones if the code is in the lower half: the bit is 0 */

		refill(d);
		d->range >>= 1;
		d->code -= d->range;
		below = 0 - (d->code >> 31);
		d->code += d->range & below;
		value = (value << 1) + 1 + below;
	}
	return value;
}

INLINE uint32_t position(const struct decoding *d)
{
	return (uint32_t)(d->out - d->dictionary);
}

INLINE void decode_literal(struct decoding *d, struct lzma *lzma)
{
	uint32_t before = d->out > d->dictionary ? d->out[-1] : 0;
	uint32_t context = ((position(d) & lzma->literal_position_mask)
	                    << lzma->literal_context_bits) +
	                   (before >> (8 - lzma->literal_context_bits));
	uint16_t *models = lzma->models.literal + context * LZMA_LITERAL_PROBABILITIES;
	uint32_t node = 1;

	if (d->state >= STATE_AFTER_LITERALS) {
		/* After a match the byte is unlike the one that would have continued it: that
		 * one picks the models, as long as the bits are the same. */
		uint32_t expected = d->out[-(ptrdiff_t)d->distance[0] - 1];
		uint32_t same = 0x100;

		do {
			uint32_t bit;

			expected <<= 1;
			bit = decode_bit(d, &models[same + (expected & same) + node]);
			node = node << 1 | bit;
			same &= bit ? expected : ~expected;
		} while (node < 0x100);
	} else {
		node = 0x100 + decode_tree(d, models, 8);
	}
	*d->out++ = (uint8_t)node;
	d->state = d->state < 4 ? 0 : d->state < 10 ? d->state - 3 : d->state - 6;
}

INLINE uint32_t decode_length(struct decoding *d, struct lzma_length_models *models,
                              uint32_t position)
{
	if (!decode_bit(d, &models->is_not_low))
		return LENGTH_MIN + decode_tree(d, models->low[position], 3);
	if (!decode_bit(d, &models->is_high))
		return LENGTH_MIN + 8 + decode_tree(d, models->middle[position], 3);
	return LENGTH_MIN + 16 + decode_tree(d, models->high, 8);
}

INLINE uint32_t decode_distance(struct decoding *d, struct lzma_models *models, uint32_t length)
{
	uint32_t kind = length < LENGTH_MIN + LZMA_LENGTH_STATES ? length - LENGTH_MIN
	                                                         : LZMA_LENGTH_STATES - 1;
	uint32_t slot = decode_tree(d, models->slot[kind], LZMA_SLOT_BITS);
	uint32_t distance;
	int bits;

	if (slot < SLOT_MODELLED)
		return slot;
	bits = (int)(slot >> 1) - 1;
	distance = (2 | (slot & 1)) << bits;
	if (slot < SLOT_PLAIN)
		return distance + decode_reverse_tree(d, &models->distance[distance], bits);
	distance += decode_plain(d, bits - LZMA_ALIGN_BITS) << LZMA_ALIGN_BITS;
	return distance + decode_reverse_tree(d, models->align, LZMA_ALIGN_BITS);
}

INLINE uint32_t decode_new_match(struct decoding *d, struct lzma_models *models, uint32_t position)
{
	uint32_t length = decode_length(d, &models->match_length, position);

	d->state = d->state < STATE_AFTER_LITERALS ? 7 : 10;
	d->distance[3] = d->distance[2];
	d->distance[2] = d->distance[1];
	d->distance[1] = d->distance[0];
	d->distance[0] = decode_distance(d, models, length);
	return length;
}

/* Which of the earlier distances is used again? It becomes the newest. */
INLINE void decode_repeated_distance(struct decoding *d, struct lzma_models *models)
{
	uint32_t distance = d->distance[1];

	if (decode_bit(d, &models->is_not_repeat_1[d->state])) {
		distance = d->distance[2];
		if (decode_bit(d, &models->is_not_repeat_2[d->state])) {
			distance = d->distance[3];
			d->distance[3] = d->distance[2];
		}
		d->distance[2] = d->distance[1];
	}
	d->distance[1] = d->distance[0];
	d->distance[0] = distance;
}

INLINE uint32_t decode_repeat(struct decoding *d, struct lzma_models *models, uint32_t position)
{
	if (decode_bit(d, &models->is_not_repeat_0[d->state])) {
		decode_repeated_distance(d, models);
	} else if (!decode_bit(d, &models->is_long_repeat_0[d->state][position])) {
		d->state = d->state < STATE_AFTER_LITERALS ? 9 : 11;
		return 1;
	}
	d->state = d->state < STATE_AFTER_LITERALS ? 8 : 11;
	return decode_length(d, &models->repeat_length, position);
}

/* Copies `length` bytes from d->distance[0] + 1 back; false if there are not so many, or no
 * room. */
INLINE bool copy_match(struct decoding *d, uint32_t length)
{
	size_t room = (size_t)(d->out_end - d->out);
	uint8_t *end = d->out + length;
	const uint8_t *from;

	if (d->distance[0] >= (size_t)(d->out - d->dictionary) || length > room)
		return false;
	from = d->out - d->distance[0] - 1;
	if (d->distance[0] >= 7 && room - length >= 7) {
		/* Up to seven bytes too many; what follows will overwrite them. */
		for (; d->out < end; d->out += 8, from += 8)
			store_le64(d->out, load_le64(from));
		d->out = end;
	} else {
		while (d->out < end)
			*d->out++ = *from++;
	}
	return true;
}

/* False if the input asks for what cannot be. */
INLINE bool decode_symbols(struct decoding *d, struct lzma *lzma, const uint8_t *in_end)
{
	struct lzma_models *models = &lzma->models;

	while (d->out < d->out_end && d->in <= in_end) {
		uint32_t low = position(d) & lzma->position_mask;
		uint32_t length;

		if (!decode_bit(d, &models->is_match[d->state][low])) {
			decode_literal(d, lzma);
			continue;
		}
		if (!decode_bit(d, &models->is_repeat[d->state]))
			length = decode_new_match(d, models, low);
		else
			length = decode_repeat(d, models, low);
		if (!copy_match(d, length))
			return false;
	}
	return d->in <= in_end;
}

bool lzma_decode(struct lzma *lzma, const uint8_t *in, const uint8_t *in_end,
                 const uint8_t *dictionary, uint8_t *out, uint8_t *out_end)
{
	struct decoding d = {
		.in = in + LZMA_START_SIZE,
		.out = out,
		.out_end = out_end,
		.dictionary = dictionary,
		.range = UINT32_MAX,
		.state = lzma->state,
	};

	if (in_end - in < LZMA_START_SIZE || in[0] != 0)
		return false;
	d.code = __builtin_bswap32(load_le32(in + 1));
	for (int i = 0; i < 4; i++)
		d.distance[i] = lzma->distance[i];
	if (!decode_symbols(&d, lzma, in_end))
		return false;
	refill(&d);
	lzma->state = d.state;
	for (int i = 0; i < 4; i++)
		lzma->distance[i] = d.distance[i];
	return d.in == in_end && d.code == 0;
}
