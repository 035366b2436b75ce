/* Reads the kernel that dom0 will run: a Linux bzImage packed with xz, or a plain ELF64 file. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_BOOT_KERNEL_IMAGE_H
#define XEN_CORE_BOOT_KERNEL_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Use: open, then unpack into a buffer of unpacked_size bytes, then layout, then walk the segments.
 * Nothing in the file is trusted. On failure each returns a negative errno (-EINVAL, -EOPNOTSUPP,
 * -ENOSPC) and sets *why to a sentence for the operator; without a failure *why is left alone. */

struct kernel_image {
	const uint8_t *payload; /* the .xz file within a bzImage; NULL if the file is the ELF */
	size_t payload_size;
	size_t unpacked_size; /* what kernel_image_unpack() needs; 0 if it needs no buffer */
	const uint8_t *elf;   /* NULL until unpacked */
	size_t elf_size;      /* Linux leaves relocations behind the ELF; they count here */
};

/* Where the kernel wants to lie in guest-physical memory and how it wants to be entered. */
struct kernel_layout {
	uint64_t start, end; /* of all segments together, [start, end) */
	uint64_t entry;      /* PVH: 32-bit protected mode, without paging; below 4 GiB */
	uint32_t features;   /* XENFEAT_* bits the kernel says it can use; 0 if it does not say */
};

/* data[0 .. file_size) goes to guest-physical `address`, zeroes follow up to memory_size. */
struct kernel_segment {
	uint64_t address;
	const uint8_t *data;
	uint64_t file_size;
	uint64_t memory_size;
};

/* Recognises the file. `image` points into `file` from then on. */
int kernel_image_open(struct kernel_image *image, const void *file, size_t size, const char **why);

/* Makes the ELF available. `buffer` must not overlap the file and must live as long as `image`; for
 * a plain ELF it is not used. */
int kernel_image_unpack(struct kernel_image *image, void *buffer, size_t buffer_size,
                        const char **why);

/* Checks the ELF headers and all that they point to, and reads the Xen notes. */
int kernel_image_layout(const struct kernel_image *image, struct kernel_layout *layout,
                        const char **why);

/* The segment with this index, from 0 on; false behind the last. After kernel_image_layout(). */
bool kernel_image_segment(const struct kernel_image *image, unsigned index,
                          struct kernel_segment *segment);

#endif
