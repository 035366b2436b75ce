/* The time that a capped domain may still run in this period. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "sched/cap.h"

#define PERIOD       MILLISECONDS(10)
#define RUN_SHORTEST MICROSECONDS(100)
#define PERIODS_MAX                                                                                \
	10000UL /* that are made up for: no debt is larger, and products stay in range */

static int64_t part_of(const struct sched_share *share)
{
	return (int64_t)(PERIOD * share->cap / 100);
}

/*
 * Periods follow each other without a gap, however late one is looked at: what it loses is less than
 * one. Budget does not pile up, so what a period did not use is gone; what it overdrew is paid back.
 */
static void refill(struct sched_share *share, nanos_t now)
{
	uint64_t periods = (now.v - share->period_start.v) / PERIOD;
	int64_t part = part_of(share);

	share->period_start.v += periods * PERIOD;
	share->budget += (int64_t)MIN(periods, PERIODS_MAX) * part;
	share->budget = MIN(share->budget, part);
}

bool cap_has_budget(struct sched_share *share, nanos_t now)
{
	if (!share->cap)
		return true;
	refill(share, now);
	return share->budget > 0;
}

void cap_charge(struct sched_share *share, uint64_t ran)
{
	if (share->cap)
		share->budget -= (int64_t)ran;
}

uint64_t cap_longest_run(const struct sched_share *share)
{
	if (!share->cap)
		return UINT64_MAX;
	return (uint64_t)MAX(share->budget, (int64_t)RUN_SHORTEST);
}

nanos_t cap_refilled_at(const struct sched_share *share)
{
	uint64_t periods = 1 + (uint64_t)(-share->budget / part_of(share));

	return NANOS(share->period_start.v + periods * PERIOD);
}
