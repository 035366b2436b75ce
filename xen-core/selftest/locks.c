/* Self-tests: spin locks under contention. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "hw/cpu.h"
#include "hw/ipi.h"
#include "hw/lock.h"
#include "hw/percpu.h"
#include "hw/timer.h"
#include "selftest/selftest.h"

/*
 * For a time, not for a number of turns: where more CPUs are emulated than there are, each turn may
 * wait until the next in the row is scheduled.
 */
#define CONTEND_FOR MILLISECONDS(30)

static struct lock lock = LOCK_INIT(LOCK_HEAP); /* above LOCK_IPI: it is taken in calls */
static volatile unsigned long counter;
static unsigned long turns;

static void add(void *unused)
{
	uint64_t end = clock_now().v + CONTEND_FOR;

	(void)unused;
	do {
		lock_take(&lock);
		counter = counter + 1; /* a read and a write: what is lost shows */
		lock_release(&lock);
		__atomic_fetch_add(&turns, 1, __ATOMIC_RELAXED);
	} while (clock_now().v < end);
}

static const char *contended_counter(void)
{
	ipi_call(selftest_all_cpus(), add, NULL);
	CHECK(turns >= cpu_count && counter == turns);
	CHECK(!lock_is_held(&lock));
	return NULL;
}

static const char *held(void)
{
	CHECK(!lock_is_held(&lock));
	lock_take(&lock);
	CHECK(lock_is_held(&lock));
	lock_release(&lock);
	CHECK(!lock_is_held(&lock));
	return NULL;
}

/* Tickets are 16 bits: they go round. */
static const char *tickets_wrap(void)
{
	for (unsigned i = 0; i < 70000; i++) {
		lock_take(&lock);
		lock_release(&lock);
	}
	CHECK(!lock_is_held(&lock));
	return NULL;
}

/*
 * This CPU holds a lock and calls another one that spins for that lock with its interrupts off: the
 * call must be served there, or both wait for ever. (On one CPU the timer just takes the lock.)
 */
static struct lock low_lock = LOCK_INIT(LOCK_P2M);
static unsigned spinning, got_it, called;

static void spin(struct timer *timer)
{
	(void)timer;
	__atomic_store_n(&spinning, 1, __ATOMIC_RELEASE);
	lock_take(&low_lock);
	lock_release(&low_lock);
	__atomic_store_n(&got_it, 1, __ATOMIC_RELEASE);
}

static void count_call(void *unused)
{
	(void)unused;
	__atomic_fetch_add(&called, 1, __ATOMIC_RELAXED);
}

static const char *call_to_a_spinning_cpu(void)
{
	struct cpu *other = cpus[cpu_count - 1];
	static struct timer timer;

	if (other == this_cpu())
		return NULL;
	timer_init(&timer, spin);
	lock_take(&low_lock);
	timer_set(&timer, other, clock_now());
	while (!__atomic_load_n(&spinning, __ATOMIC_ACQUIRE))
		cpu_relax();
	clock_delay(MILLISECONDS(1));
	ipi_call(BIT(other->id), count_call, NULL);
	lock_release(&low_lock);
	CHECK(called == 1);
	CHECK(selftest_wait(&got_it, 1, SECONDS(2)));
	return NULL;
}

const struct selftest selftests_locks[] = {
	{ "locks_held", held },
	{ "locks_tickets_wrap", tickets_wrap },
	{ "locks_contended_counter", contended_counter },
	{ "locks_call_to_a_spinning_cpu", call_to_a_spinning_cpu },
	{ NULL, NULL },
};
