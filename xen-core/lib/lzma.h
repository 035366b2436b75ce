/* The LZMA decoder proper: from range-coded bits to literals and matches. Used through lzma2.h. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XEN_CORE_LIB_LZMA_H
#define XEN_CORE_LIB_LZMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	LZMA_STATES = 12,
	LZMA_POSITIONS_MAX = 16,
	LZMA_LITERAL_CODERS_MAX = 16,
	LZMA_LITERAL_PROBABILITIES = 0x300,
	LZMA_LENGTH_STATES = 4,
	LZMA_SLOT_BITS = 6,
	LZMA_MODELLED_DISTANCES = 128, /* below this every bit of a distance has its own model */
	LZMA_ALIGN_BITS = 4,

	/* One symbol takes at most this much input (22 modelled bits of at most 6.05 bits each,
	 * and 26 plain ones); one byte more for the range coder's last refill. */
	LZMA_INPUT_SLACK = 21,
};

struct lzma_length_models {
	uint16_t is_not_low, is_high;
	uint16_t low[LZMA_POSITIONS_MAX][8];
	uint16_t middle[LZMA_POSITIONS_MAX][8];
	uint16_t high[256];
};

/* Every member is an uint16_t or made of them: the chance of a 0 bit, in 1/2048. */
struct lzma_models {
	uint16_t is_match[LZMA_STATES][LZMA_POSITIONS_MAX];
	uint16_t is_repeat[LZMA_STATES];
	uint16_t is_not_repeat_0[LZMA_STATES];
	uint16_t is_not_repeat_1[LZMA_STATES];
	uint16_t is_not_repeat_2[LZMA_STATES];
	uint16_t is_long_repeat_0[LZMA_STATES][LZMA_POSITIONS_MAX];
	uint16_t slot[LZMA_LENGTH_STATES][1 << LZMA_SLOT_BITS];
	uint16_t distance[LZMA_MODELLED_DISTANCES];
	uint16_t align[1 << LZMA_ALIGN_BITS];
	struct lzma_length_models match_length;
	struct lzma_length_models repeat_length;
	uint16_t literal[LZMA_LITERAL_CODERS_MAX * LZMA_LITERAL_PROBABILITIES];
};

/* What lives on from chunk to chunk; about 28 KiB. */
struct lzma {
	uint32_t position_mask;
	uint32_t literal_position_mask;
	uint32_t literal_context_bits;
	uint32_t state;
	uint32_t distance[4]; /* of the latest matches, less one, newest first */
	struct lzma_models models;
};

/* Takes the properties byte; false if it is not one that LZMA2 allows. Needs a reset to follow. */
bool lzma_set_properties(struct lzma *lzma, uint8_t properties);
void lzma_reset(struct lzma *lzma);

/* Decodes [in, in_end) to exactly [out, out_end); false if that is not what the input makes. The
 * dictionary is what was put out before, from `dictionary` on. LZMA_INPUT_SLACK bytes after in_end
 * must be readable: they may be looked at, but a chunk that needs them is refused. */
bool lzma_decode(struct lzma *lzma, const uint8_t *in, const uint8_t *in_end,
                 const uint8_t *dictionary, uint8_t *out, uint8_t *out_end);

#endif
