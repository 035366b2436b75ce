/* The .xz reader against what the xz program writes, whole, cut short and damaged. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: xen-core/lib/xz.c xen-core/lib/lzma.c xen-core/lib/lzma2.c xen-core/lib/bcj_x86.c xen-core/lib/crc.c tests/unit/xz_program.c */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/crc.h"
#include "lib/xz.h"
#include "xz_program.h"

#define LINUX_OPTIONS "--check=crc32 --x86 --lzma2=dict=32MiB"

static const char *const readable[] = {
	LINUX_OPTIONS,
	"--check=crc64",
	"--check=none -0",
	"-9e",
	"--check=crc32 --block-size=5000",
	"--check=crc64 --x86 --lzma2=preset=1 --block-size=9999",
	"-T2 --block-size=100000",
	"--x86=start=4096 --lzma2",
	"--lzma2=lc=0,lp=4,pb=4",
	"--lzma2=lc=4,lp=0,pb=0",
	"--lzma2=lc=1,lp=3,pb=1,mode=fast,mf=hc3,nice=273",
};

/* Unpacks `packed` into a buffer of just that size and returns what xz_decode() did. */
static int unpack(const struct bytes *packed, struct bytes *plain)
{
	size_t produced = SIZE_MAX;
	int error = xz_decode(packed->data, packed->size, plain->data, plain->size, &produced);

	if (!error)
		plain->size = produced;
	return error;
}

static void check_round_trip(const char *options, struct bytes plain)
{
	struct bytes packed = xz_pack(options, &plain);
	struct bytes again = bytes_new(plain.size);

	assert_int_equal(unpack(&packed, &again), 0);
	assert_int_equal(again.size, plain.size);
	if (plain.size > 0)
		assert_memory_equal(again.data, plain.data, plain.size);
	bytes_free(&plain);
	bytes_free(&packed);
	bytes_free(&again);
}

static void reads_what_xz_writes(void **state)
{
	static const size_t sizes[] = { 0, 1, 2, 5, 6, 8, 13, 100, 4096, 70001, 300000 };

	for (size_t i = 0; i < sizeof(readable) / sizeof(readable[0]); i++) {
		for (size_t j = 0; j < sizeof(sizes) / sizeof(sizes[0]); j++) {
			uint32_t seed = (uint32_t)(i * 100 + j);

			check_round_trip(readable[i], make_text(sizes[j], seed));
			check_round_trip(readable[i], make_random(sizes[j] % 70000, seed));
			check_round_trip(readable[i], make_calls(sizes[j], seed));
		}
	}
}

static void reads_many_megabytes(void **state)
{
	struct bytes zeroes = make_random(5 << 20, 1);

	memset(zeroes.data, 0, zeroes.size);
	check_round_trip(LINUX_OPTIONS, zeroes);
	check_round_trip(LINUX_OPTIONS, make_text(9 << 20, 2));
	check_round_trip(LINUX_OPTIONS, make_calls(3 << 20, 3));
	check_round_trip("--check=crc64 --x86 --lzma2", make_random(3 << 20, 4));
}

static void refuses_what_it_cannot_read(void **state)
{
	static const char *const options[] = {
		"--check=sha256",
		"--arm --lzma2",
		"--delta=dist=4 --lzma2",
		"--x86 --delta=dist=4 --lzma2",
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		struct bytes plain = make_text(3000, 5);
		struct bytes packed = xz_pack(options[i], &plain);

		assert_int_equal(unpack(&packed, &plain), -EOPNOTSUPP);
		bytes_free(&plain);
		bytes_free(&packed);
	}
}

static void says_when_there_is_no_room(void **state)
{
	struct bytes plain = make_text(3000, 6);
	struct bytes packed = xz_pack(LINUX_OPTIONS, &plain);

	for (size_t size = 0; size < plain.size; size += 7) {
		struct bytes small = bytes_new(size);

		assert_int_equal(unpack(&packed, &small), -ENOSPC);
		bytes_free(&small);
	}
	bytes_free(&plain);
	bytes_free(&packed);
}

static void check_all_truncations(const char *options, struct bytes plain)
{
	struct bytes packed = xz_pack(options, &plain);

	for (size_t size = 0; size < packed.size; size++) {
		struct bytes cut = bytes_new(size);

		memcpy(cut.data, packed.data, size);
		assert_int_equal(unpack(&cut, &plain), -EINVAL);
		bytes_free(&cut);
	}
	bytes_free(&plain);
	bytes_free(&packed);
}

static void refuses_truncated_files(void **state)
{
	check_all_truncations(LINUX_OPTIONS, make_text(2000, 7));
	check_all_truncations("--check=none", make_text(2000, 8));
	check_all_truncations("--check=crc64 --block-size=300", make_text(2000, 9));
	check_all_truncations("--check=crc32", make_random(2000, 10));
}

static void check_all_damages(const char *options, struct bytes plain)
{
	struct bytes packed = xz_pack(options, &plain);

	for (size_t at = 0; at < packed.size; at++) {
		for (int bit = 0; bit < 8; bit++) {
			packed.data[at] ^= (uint8_t)(1 << bit);
			assert_int_not_equal(unpack(&packed, &plain), 0);
			packed.data[at] ^= (uint8_t)(1 << bit);
		}
	}
	assert_int_equal(unpack(&packed, &plain), 0);
	bytes_free(&plain);
	bytes_free(&packed);
}

static void refuses_damaged_files(void **state)
{
	check_all_damages(LINUX_OPTIONS, make_text(2000, 11));
	check_all_damages("--check=crc64 --block-size=400", make_text(2000, 12));
	check_all_damages("--check=crc32", make_random(1000, 13));
}

static void refuses_what_follows_the_stream(void **state)
{
	struct bytes plain = make_text(500, 14);
	struct bytes packed = xz_pack(LINUX_OPTIONS, &plain);
	struct bytes twice = bytes_new(2 * packed.size);
	struct bytes room = bytes_new(2 * plain.size);

	memcpy(twice.data, packed.data, packed.size);
	memcpy(twice.data + packed.size, packed.data, packed.size);
	assert_int_equal(unpack(&twice, &room), -EINVAL);
	twice.size = packed.size + 4;
	assert_int_equal(unpack(&twice, &room), -EINVAL);
	bytes_free(&plain);
	bytes_free(&packed);
	bytes_free(&twice);
	bytes_free(&room);
}

/* The checksums' own published check values, and that a text may come in pieces. */
static void checksums_are_the_known_ones(void **state)
{
	static const char text[] = "123456789";

	assert_int_equal(crc32(0, text, 9), 0xcbf43926);
	assert_int_equal(crc64(0, text, 9), 0x995dc9bbdf1939fa);
	for (size_t cut = 0; cut <= 9; cut++) {
		assert_int_equal(crc32(crc32(0, text, cut), text + cut, 9 - cut), 0xcbf43926);
		assert_int_equal(crc64(crc64(0, text, cut), text + cut, 9 - cut),
		                 0x995dc9bbdf1939fa);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(checksums_are_the_known_ones),
		cmocka_unit_test(reads_what_xz_writes),
		cmocka_unit_test(reads_many_megabytes),
		cmocka_unit_test(refuses_what_it_cannot_read),
		cmocka_unit_test(says_when_there_is_no_room),
		cmocka_unit_test(refuses_truncated_files),
		cmocka_unit_test(refuses_damaged_files),
		cmocka_unit_test(refuses_what_follows_the_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
