/* Checksums, eight bytes a step: table k is what a byte does to the CRC when k more have passed. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "lib/crc.h"

#include "lib/bytes.h"

enum { BYTES_PER_STEP = 8, BYTE_VALUES = 256 };

/* The polynomials with their bits reversed, as a CRC that shifts right wants them. */
static const uint32_t crc32_polynomial = 0xedb88320;
static const uint64_t crc64_polynomial = 0xc96c5795d7870f42;

static uint32_t crc32_table[BYTES_PER_STEP][BYTE_VALUES];
static uint64_t crc64_table[BYTES_PER_STEP][BYTE_VALUES];

static void crc32_fill(void)
{
	for (uint32_t value = 0; value < BYTE_VALUES; value++) {
		uint32_t crc = value;

		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? crc32_polynomial : 0);
		crc32_table[0][value] = crc;
	}
	for (int step = 1; step < BYTES_PER_STEP; step++) {
		for (int value = 0; value < BYTE_VALUES; value++) {
			uint32_t crc = crc32_table[step - 1][value];

			crc32_table[step][value] = crc >> 8 ^ crc32_table[0][crc & 0xff];
		}
	}
}

static void crc64_fill(void)
{
	for (uint64_t value = 0; value < BYTE_VALUES; value++) {
		uint64_t crc = value;

		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? crc64_polynomial : 0);
		crc64_table[0][value] = crc;
	}
	for (int step = 1; step < BYTES_PER_STEP; step++) {
		for (int value = 0; value < BYTE_VALUES; value++) {
			uint64_t crc = crc64_table[step - 1][value];

			crc64_table[step][value] = crc >> 8 ^ crc64_table[0][crc & 0xff];
		}
	}
}

uint32_t crc32(uint32_t crc, const void *data, size_t size)
{
	const uint8_t *at = data;

	if (crc32_table[0][1] == 0)
		crc32_fill();
	crc = ~crc;
	for (; size >= BYTES_PER_STEP; at += BYTES_PER_STEP, size -= BYTES_PER_STEP) {
		uint64_t word = load_le64(at) ^ crc;

		crc = 0;
		for (int byte = 0; byte < BYTES_PER_STEP; byte++, word >>= 8)
			crc ^= crc32_table[BYTES_PER_STEP - 1 - byte][word & 0xff];
	}
	for (; size > 0; at++, size--)
		crc = crc >> 8 ^ crc32_table[0][(crc ^ *at) & 0xff];
	return ~crc;
}

uint64_t crc64(uint64_t crc, const void *data, size_t size)
{
	const uint8_t *at = data;

	if (crc64_table[0][1] == 0)
		crc64_fill();
	crc = ~crc;
	for (; size >= BYTES_PER_STEP; at += BYTES_PER_STEP, size -= BYTES_PER_STEP) {
		uint64_t word = load_le64(at) ^ crc;

		crc = 0;
		for (int byte = 0; byte < BYTES_PER_STEP; byte++, word >>= 8)
			crc ^= crc64_table[BYTES_PER_STEP - 1 - byte][word & 0xff];
	}
	for (; size > 0; at++, size--)
		crc = crc >> 8 ^ crc64_table[0][(crc ^ *at) & 0xff];
	return ~crc;
}
