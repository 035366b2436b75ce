/* Feeds the kernel reader with anything and reads all that it says is there. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: xen-core/boot/kernel_image.c xen-core/lib/xz.c xen-core/lib/lzma.c xen-core/lib/lzma2.c xen-core/lib/bcj_x86.c xen-core/lib/crc.c */

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "boot/kernel_image.h"

enum { UNPACKED_MAX = 1 << 20 };

static void read_segments(const struct kernel_image *image, const struct kernel_layout *layout)
{
	struct kernel_segment segment;
	unsigned count = 0;
	uint8_t sum = 0;

	for (; kernel_image_segment(image, count, &segment); count++) {
		assert(segment.address >= layout->start);
		assert(segment.file_size <= segment.memory_size);
		assert(segment.memory_size <= layout->end - segment.address);
		for (uint64_t i = 0; i < segment.file_size; i++)
			sum ^= segment.data[i];
	}
	assert(count > 0 && count <= 64);
	__asm__ volatile("" : : "r"(sum));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kernel_image image;
	struct kernel_layout layout;
	const char *why = NULL;
	uint8_t *buffer;
	int error = kernel_image_open(&image, data, size, &why);

	if (error || image.unpacked_size > UNPACKED_MAX) {
		assert(!error == !why);
		return 0;
	}
	buffer = malloc(image.unpacked_size);
	error = kernel_image_unpack(&image, buffer, image.unpacked_size, &why);
	if (!error)
		error = kernel_image_layout(&image, &layout, &why);
	assert(!error == !why);
	if (!error)
		read_segments(&image, &layout);
	free(buffer);
	return 0;
}
