/* The guard's clock: never stands still or goes back while the host is up, suspended or not. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef FENCING_GUARD_CLOCK_H
#define FENCING_GUARD_CLOCK_H

#include <stdint.h>

uint64_t guard_now(void); /* ns of CLOCK_BOOTTIME */

#endif
