/* Packs bytes with the xz program, and makes bytes worth packing, for tests of what unpacks them. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_XZ_PROGRAM_H
#define TESTS_UNIT_XZ_PROGRAM_H

#include <stddef.h>
#include <stdint.h>

/* On the heap, with exactly `size` bytes there, so that the sanitizer sees a step beyond. */
struct bytes {
	uint8_t *data;
	size_t size;
};

struct bytes bytes_new(size_t size);
void bytes_free(struct bytes *bytes);

/* What `xz OPTIONS` makes of these; the test fails if xz does. */
struct bytes xz_pack(const char *options, const struct bytes *plain);

/* Pseudo-random, the same for the same seed. */
uint32_t random_next(uint32_t *seed);
struct bytes make_random(size_t size, uint32_t seed);
/* Words that come again, with changes: all kinds of matches. */
struct bytes make_text(size_t size, uint32_t seed);
/* Mostly E8, E9, 00 and FF: whatever the x86 filter finds hard. */
struct bytes make_calls(size_t size, uint32_t seed);

#endif
