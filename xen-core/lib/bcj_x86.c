/* Undoing the x86 filter of .xz files: CALLs and JMPs get their relative targets back. */
/* SPDX-License-Identifier: Apache-2.0 */

/* The encoder took each E8/E9 byte for an opcode if the top byte of the four that follow was 00
 * or ff (a displacement within 16 MiB), and made the displacement absolute, sign-extended from
 * 25 bits. An opcode byte it left alone may lie inside the next candidate's operand, so it
 * keeps track of which of the three bytes before a candidate were such: that is `skipped`, bit
 * n for the byte n + 1 places back. The decoder must take exactly the same decisions, from
 * bytes that the encoder could see too. */

#include "lib/bcj_x86.h"

#include <stdbool.h>

#include "lib/bytes.h"

enum { OPERAND_SIZE = 4, INSTRUCTION_SIZE = 5 };

static bool is_opcode(uint8_t byte)
{
	return (byte & 0xfe) == 0xe8;
}

static bool is_sign_byte(uint8_t byte)
{
	return byte == 0x00 || byte == 0xff;
}

/* How far back the farthest skipped opcode is: 1 to 3, 0 if there is none. */
static unsigned farthest(unsigned skipped)
{
	return skipped & 4 ? 3 : skipped & 2 ? 2 : skipped & 1;
}

/* The next E8/E9 at or after `at`, or `end`; eight bytes at a time where none of them is one.
 * The caller guarantees OPERAND_SIZE readable bytes at `end`. */
static const uint8_t *next_opcode(const uint8_t *at, const uint8_t *end)
{
	const uint64_t ones = 0x0101010101010101;

	for (; end - at >= 8; at += 8) {
		/* A byte of `word` is zero where the input has an opcode; the classic test for
		 * a zero byte. */
		uint64_t word = (load_le64(at) & ones * 0xfe) ^ ones * 0xe8;
		uint64_t zero = (word - ones) & ~word & ones * 0x80;

		if (zero)
			return at + __builtin_ctzll(zero) / 8;
	}
	while (at < end && !is_opcode(*at))
		at++;
	return at;
}

/* Did the encoder convert this candidate's operand? */
static bool is_converted(const uint8_t *opcode, unsigned skipped)
{
	if (skipped & (skipped - 1))
		return false; /* two opcodes left alone within three bytes */
	if (skipped && is_sign_byte(opcode[OPERAND_SIZE - farthest(skipped)]))
		return false; /* the skipped one would have had a plausible operand by now */
	return is_sign_byte(opcode[OPERAND_SIZE]);
}

static void restore_operand(uint8_t *operand, uint32_t next_instruction, unsigned skipped)
{
	uint32_t target = load_le32(operand) - next_instruction;

	/* The encoder avoided results that would have made the skipped opcode look plausible,
	 * by complementing the bits below. Once is enough: the result's byte there is then the
	 * complement of the operand's own, which is_converted() saw to be no sign byte. */
	if (skipped) {
		unsigned above = 8 * farthest(skipped);

		if (is_sign_byte((uint8_t)(target >> (24 - above))))
			target = (target ^ (UINT32_MAX >> above)) - next_instruction;
	}
	target &= 0x01ffffff;
	store_le32(operand, target | (target & 0x01000000 ? 0xfe000000 : 0));
}

void bcj_x86_decode(uint8_t *code, size_t size, uint32_t start)
{
	size_t at = 0;
	size_t after = 0; /* the offset that `skipped` is relative to */
	unsigned skipped = 0;

	if (size < INSTRUCTION_SIZE)
		return;
	for (;;) {
		at = (size_t)(next_opcode(code + at, code + size - OPERAND_SIZE) - code);
		if (at >= size - OPERAND_SIZE)
			return;
		skipped = at - after >= 3 ? 0 : skipped << (at - after) & 7;
		if (is_converted(code + at, skipped)) {
			restore_operand(code + at + 1, start + (uint32_t)at + INSTRUCTION_SIZE,
			                skipped);
			skipped = 0;
			at += INSTRUCTION_SIZE;
		} else {
			skipped = (skipped << 1 | 1) & 7;
			at += 1;
		}
		after = at;
	}
}
