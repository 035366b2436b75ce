/* Sets of CPUs on their way between us and a caller: the ABI's bitmap of any length. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "hypercall/bitmap.h"

#include "hw/percpu.h"

#define BITS_MAX 65536 /* more than any toolstack's mask; bounds the clearing */

static uint64_t mask_of(uint32_t bits)
{
	return bits < 64 ? BIT(bits) - 1 : ~0UL;
}

long bitmap_read(struct hypercall *call, const struct xenctl_bitmap *map, uint64_t *bits)
{
	uint32_t bytes = (map->nr_bits + 7ULL) / 8;

	*bits = 0;
	if (map->nr_bits > BITS_MAX)
		return -EINVAL;
	if (copy_from_guest(call->caller, bits, (uint64_t)(uintptr_t)map->bitmap.p,
	                    MIN(bytes, (uint32_t)sizeof(*bits))))
		return -EFAULT;
	*bits &= mask_of(map->nr_bits);
	return 0;
}

long bitmap_write(struct hypercall *call, const struct xenctl_bitmap *map, uint64_t bits)
{
	uint64_t to = (uint64_t)(uintptr_t)map->bitmap.p;
	uint32_t bytes = (map->nr_bits + 7ULL) / 8;
	uint64_t word = bits & mask_of(map->nr_bits);

	if (map->nr_bits > BITS_MAX)
		return -EINVAL;
	for (uint32_t done = 0; done < bytes; done += sizeof(word)) {
		if (copy_to_guest(call->caller, to + done, &word,
		                  MIN(bytes - done, (uint32_t)sizeof(word))))
			return -EFAULT;
		word = 0;
	}
	return 0;
}

uint64_t bitmap_of_cpus(void)
{
	return mask_of(guest_cpu_count);
}
