/* Reading two clocks at the same moment, to compare their speeds. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_HW_CALIBRATE_H
#define XEN_CORE_HW_CALIBRATE_H

#include "lib/types.h"

struct calibrate_sample {
	uint64_t tsc;   /* half way between just before and just after the counter was read */
	uint64_t width; /* between these two: the sample is out by at most half of it */
	uint32_t count;
};

/*
 * The closest of many readings: a pause in the midst of one (an SMI, or an emulator that was not
 * scheduled) makes it wide, and it is not chosen.
 */
struct calibrate_sample calibrate_sample(uint32_t (*read_counter)(void));

#endif
