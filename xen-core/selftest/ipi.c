/* Self-tests: calls and kicks between CPUs. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "hw/ipi.h"
#include "hw/apic.h"
#include "hw/cpu.h"
#include "hw/interrupt.h"
#include "hw/percpu.h"
#include "hw/timer.h"
#include "selftest/selftest.h"

#define ROUNDS 50

static unsigned calls_on[MAX_CPUS];

static void count_here(void *arg)
{
	unsigned *sum = arg;

	calls_on[this_cpu()->id]++;
	__atomic_fetch_add(sum, 1, __ATOMIC_RELAXED);
}

static const char *call_each(void)
{
	for (unsigned i = 0; i < cpu_count; i++) {
		unsigned before = calls_on[i], sum = 0;

		ipi_call(BIT(i), count_here, &sum);
		CHECK(sum == 1 && calls_on[i] == before + 1);
	}
	return NULL;
}

static const char *call_all(void)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < ROUNDS; i++)
		ipi_call(selftest_all_cpus(), count_here, &sum);
	CHECK(sum == ROUNDS * cpu_count);
	ipi_call(0, count_here, &sum);
	CHECK(sum == ROUNDS * cpu_count);
	return NULL;
}

/* Every CPU calls all of them, at the same time, with interrupts off: none may wait for ever. */
static unsigned crossed, callers_done;

static void count_crossed(void *unused)
{
	(void)unused;
	__atomic_fetch_add(&crossed, 1, __ATOMIC_RELAXED);
}

static void call_all_from_here(struct timer *timer)
{
	(void)timer;
	for (unsigned i = 0; i < ROUNDS; i++)
		ipi_call(selftest_all_cpus(), count_crossed, NULL);
	__atomic_fetch_add(&callers_done, 1, __ATOMIC_RELEASE);
}

static const char *all_call_all(void)
{
	static struct timer timers[MAX_CPUS];
	nanos_t start = NANOS(clock_now().v + MILLISECONDS(5));

	for (unsigned i = 0; i < cpu_count; i++) {
		timer_init(&timers[i], call_all_from_here);
		timer_set(&timers[i], cpus[i], start);
	}
	CHECK(selftest_wait(&callers_done, cpu_count, SECONDS(20)));
	CHECK(crossed == ROUNDS * cpu_count * cpu_count);
	return NULL;
}

/* A call whose interrupt gets lost is served all the same, for the caller asks again. */
static unsigned lost, found;

static void lose_first_call(void)
{
	if (__atomic_exchange_n(&lost, 1, __ATOMIC_RELAXED)) {
		__atomic_store_n(&found, 1, __ATOMIC_RELAXED);
		ipi_serve(this_cpu());
	}
}

static const char *lost_call(void)
{
	for (unsigned i = 0; i < cpu_count; i++) {
		unsigned sum = 0;

		if (cpus[i] == this_cpu())
			continue;
		lost = found = 0;
		interrupt_register(VECTOR_CALL, lose_first_call);
		ipi_call(BIT(i), count_here, &sum);
		ipi_init();
		CHECK(sum == 1 && lost && found);
	}
	return NULL;
}

/* An idle CPU that is kicked comes round and clears the flag; this one's own is only set. */
static const char *kick(void)
{
	for (unsigned i = 0; i < cpu_count; i++) {
		uint64_t start = clock_now().v;

		ipi_kick(cpus[i]);
		if (cpus[i] == this_cpu()) {
			CHECK(this_cpu()->kicked);
			this_cpu()->kicked = false;
		}
		while (__atomic_load_n(&cpus[i]->kicked, __ATOMIC_ACQUIRE))
			CHECK(clock_now().v - start < SECONDS(2));
	}
	return NULL;
}

const struct selftest selftests_ipi[] = {
	{ "ipi_call_each", call_each },
	{ "ipi_call_all", call_all },
	{ "ipi_all_call_all", all_call_all },
	{ "ipi_lost_call", lost_call },
	{ "ipi_kick", kick },
	{ NULL, NULL },
};
