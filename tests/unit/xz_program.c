/* Packs bytes with the xz program, and makes bytes worth packing, for tests of what unpacks them. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "xz_program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct bytes bytes_new(size_t size)
{
	struct bytes bytes = { .data = malloc(size), .size = size };

	assert_true(bytes.data || size == 0);
	return bytes;
}

void bytes_free(struct bytes *bytes)
{
	free(bytes->data);
	bytes->data = NULL;
}

static struct bytes read_all(FILE *from)
{
	struct bytes all = bytes_new(0);
	size_t room = 0;
	size_t got;

	do {
		room += 1 << 16;
		all.data = realloc(all.data, room);
		assert_non_null(all.data);
		got = fread(all.data + all.size, 1, room - all.size, from);
		all.size += got;
	} while (all.size == room);
	all.data = realloc(all.data, all.size);
	return all;
}

struct bytes xz_pack(const char *options, const struct bytes *plain)
{
	char name[] = "/tmp/xz_pack.XXXXXX";
	char command[256];
	int fd = mkstemp(name);
	struct bytes packed;
	FILE *pipe;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, plain->data, plain->size), plain->size);
	close(fd);
	snprintf(command, sizeof(command), "xz --stdout %s <%s", options, name);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	packed = read_all(pipe);
	assert_int_equal(pclose(pipe), 0);
	unlink(name);
	return packed;
}

uint32_t random_next(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

struct bytes make_random(size_t size, uint32_t seed)
{
	struct bytes bytes = bytes_new(size);

	for (size_t i = 0; i < size; i++)
		bytes.data[i] = (uint8_t)random_next(&seed);
	return bytes;
}

struct bytes make_text(size_t size, uint32_t seed)
{
	struct bytes bytes = bytes_new(size);

	for (size_t at = 0; at < size;) {
		size_t length = 1 + random_next(&seed) % (random_next(&seed) % 16 ? 20 : 600);
		size_t back = 1 + random_next(&seed) % (1 << random_next(&seed) % 23);

		for (; length > 0 && at < size; length--, at++)
			bytes.data[at] = at < back ? (uint8_t)random_next(&seed)
			                           : bytes.data[at - back];
		if (at < size)
			bytes.data[at++] = (uint8_t)('a' + random_next(&seed) % 26);
	}
	return bytes;
}

struct bytes make_calls(size_t size, uint32_t seed)
{
	static const uint8_t hard[] = { 0xe8, 0xe9, 0x00, 0xff, 0xe8, 0x00, 0xff, 0x01, 0xfe };
	struct bytes bytes = bytes_new(size);

	for (size_t i = 0; i < size; i++) {
		uint32_t pick = random_next(&seed) % (sizeof(hard) + 1);

		bytes.data[i] = pick < sizeof(hard) ? hard[pick] : (uint8_t)random_next(&seed);
	}
	return bytes;
}
