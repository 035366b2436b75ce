/* The CPUs that are up, by their ids. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "hw/percpu.h"

unsigned cpu_count;
unsigned guest_cpu_count;
struct cpu *cpus[MAX_CPUS];
