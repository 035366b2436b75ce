/* Runs the hypervisor's tests of itself and says how each of them went. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "selftest/selftest.h"

#include "hw/console.h"
#include "hw/cpu.h"
#include "hw/machine.h"
#include "hw/percpu.h"
#include "hw/timer.h"
#include "lib/print.h"

static const struct selftest *const areas[] = {
	selftests_lib,    selftests_frames, selftests_host_map,   selftests_locks,
	selftests_clock,  selftests_timers, selftests_ipi,        selftests_guest,
	selftests_grants, selftests_dirty,  selftests_checkpoint, selftests_domains,
};

bool selftest_wait(const unsigned *counter, unsigned goal, uint64_t nanoseconds)
{
	uint64_t start = clock_now().v;

	while (__atomic_load_n(counter, __ATOMIC_ACQUIRE) < goal) {
		if (clock_now().v - start > nanoseconds)
			return false;
		interrupts_window();
		cpu_relax();
	}
	return true;
}

unsigned long selftest_all_cpus(void)
{
	return cpu_count == 64 ? ~0UL : BIT(cpu_count) - 1;
}

/* The rig reads these lines: raw, so that each begins at the left margin. */
static void __attribute__((format(printf, 1, 2))) say(const char *format, ...)
{
	char line[256];
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	console_write(line, MIN((size_t)length, sizeof(line) - 1));
}

static bool run_one(const struct selftest *test)
{
	const char *failure = test->run();

	if (failure)
		say("selftest: %s: FAILED: %s\n", test->name, failure);
	else
		say("selftest: %s: ok\n", test->name);
	return !failure;
}

void selftest_run(void)
{
	unsigned count[2] = { 0, 0 }; /* failed, passed */

	for (unsigned i = 0; i < ARRAY_SIZE(areas); i++)
		for (const struct selftest *test = areas[i]; test->name; test++)
			count[run_one(test)]++;
	say("selftest: %u passed, %u failed\n", count[1], count[0]);
	machine_power_off();
}
