/* Reading two clocks at the same moment, to compare their speeds. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "hw/calibrate.h"

#include "hw/cpu.h"

#define READINGS 64

struct calibrate_sample calibrate_sample(uint32_t (*read_counter)(void))
{
	struct calibrate_sample best = { .width = UINT64_MAX };

	for (unsigned i = 0; i < READINGS; i++) {
		uint64_t before = rdtsc_ordered();
		uint32_t count = read_counter();
		uint64_t width = rdtsc_ordered() - before;

		if (width < best.width)
			best = (struct calibrate_sample){ before + width / 2, width, count };
	}
	return best;
}
