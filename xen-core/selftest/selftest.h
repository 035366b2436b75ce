/* The hypervisor's tests of itself, on the machine it runs on (option selftest). */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_SELFTEST_SELFTEST_H
#define XEN_CORE_SELFTEST_SELFTEST_H

#include "lib/types.h"

struct selftest {
	const char *name;
	const char *(*run)(void); /* NULL if all is well, else what is not */
};

/* One table for each area, ended by an empty row. A new one is also listed in selftest.c. */
extern const struct selftest selftests_checkpoint[];
extern const struct selftest selftests_clock[];
extern const struct selftest selftests_dirty[];
extern const struct selftest selftests_domains[];
extern const struct selftest selftests_frames[];
extern const struct selftest selftests_grants[];
extern const struct selftest selftests_guest[];
extern const struct selftest selftests_host_map[];
extern const struct selftest selftests_ipi[];
extern const struct selftest selftests_lib[];
extern const struct selftest selftests_locks[];
extern const struct selftest selftests_timers[];

/* Runs all tests, says how each of them went, powers the machine off. Boot CPU, once all CPUs are up. */
void selftest_run(void) __attribute__((noreturn));

#define SELFTEST_TEXT_(x) #x
#define SELFTEST_TEXT(x)  SELFTEST_TEXT_(x)

/* In a test: what must hold, or the test ends with the condition and its place as the reason. */
#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			return __FILE__ ":" SELFTEST_TEXT(__LINE__) ": " #condition;               \
	} while (0)

/* Takes interrupts until the counter has reached the goal; false if that takes longer. */
bool selftest_wait(const unsigned *counter, unsigned goal, uint64_t nanoseconds);

/* A bit for every CPU that is online, as ipi_call wants them. */
unsigned long selftest_all_cpus(void);

#endif
