/* The guard's clock: never stands still or goes back while the host is up, suspended or not. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "fencing/guard/clock.h"

#include <time.h>

uint64_t guard_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}
