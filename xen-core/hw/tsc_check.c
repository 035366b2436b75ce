/* Whether two CPUs' time-stamp counters agree: one asks, the other answers with its own. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "hw/tsc_check.h"

#include "hw/cpu.h"
#include "hw/percpu.h"
#include "hw/timer.h"
#include "lib/print.h"

#define ROUNDS        64
#define ANSWER_WITHIN MILLISECONDS(100)

/* One talk for each CPU that answers. The boot CPU gives up by asking for a round beyond the last. */
static struct talk {
	unsigned asked, answered; /* numbers of rounds, from 1 */
	uint64_t tsc;             /* the answer to that round */
} talks[MAX_CPUS];

struct round {
	uint64_t width; /* from asking to having the answer */
	int64_t offset; /* the other's TSC less ours, out by at most half of the width */
};

void tsc_check_answer(void)
{
	struct talk *talk = &talks[this_cpu()->id];

	for (unsigned round = 1; round <= ROUNDS; round++) {
		while (__atomic_load_n(&talk->asked, __ATOMIC_ACQUIRE) < round)
			cpu_relax();
		talk->tsc = rdtsc_ordered();
		__atomic_store_n(&talk->answered, round, __ATOMIC_RELEASE);
	}
}

static bool is_answered(const struct talk *talk, unsigned round)
{
	uint64_t start = clock_now().v;

	while (__atomic_load_n(&talk->answered, __ATOMIC_ACQUIRE) != round) {
		if (clock_now().v - start > ANSWER_WITHIN)
			return false;
		cpu_relax();
	}
	return true;
}

static bool ask(struct talk *talk, unsigned round, struct round *result)
{
	uint64_t before = rdtsc_ordered();

	__atomic_store_n(&talk->asked, round, __ATOMIC_RELEASE);
	if (!is_answered(talk, round))
		return false;
	result->width = rdtsc_ordered() - before;
	result->offset = (int64_t)(talk->tsc - (before + result->width / 2));
	return true;
}

static void report(unsigned id, const struct round *best)
{
	uint64_t distance = (uint64_t)(best->offset < 0 ? -best->offset : best->offset);
	uint64_t nanoseconds = clock_scale_apply(clock_scale(), distance);

	if (best->width == UINT64_MAX)
		log_warn("clock: CPU %u does not tell its TSC\n", id);
	else if (distance > best->width / 2 + 1)
		log_warn("clock: CPU %u's TSC is %lu ns %s the boot CPU's\n", id, nanoseconds,
		         best->offset < 0 ? "behind" : "ahead of");
}

/* The shortest round counts: a CPU that was held up in between says nothing about its TSC. */
void tsc_check_ask(unsigned id)
{
	struct round best = { .width = UINT64_MAX }, round;

	for (unsigned i = 1; i <= ROUNDS && ask(&talks[id], i, &round); i++)
		if (round.width < best.width)
			best = round;
	__atomic_store_n(&talks[id].asked, ROUNDS + 1, __ATOMIC_RELEASE);
	report(id, &best);
}
