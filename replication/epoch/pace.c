/* When the next epoch ends: a maximum interval, output that waits, a budget of dirty pages, and back-pressure. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/epoch/pace.h"

#include <assert.h>

#define LOOKS 8 /* at what was written, an epoch */

void pace_init(struct pace *pace, const struct pace_limits *limits, uint64_t now)
{
	assert(limits->shortest <= limits->longest && limits->in_flight > 0);
	*pace = (struct pace){ .limits = *limits, .began = now, .told = now };
}

void pace_want(struct pace *pace)
{
	pace->is_wanted = true;
}

void pace_dirty(struct pace *pace, uint64_t pages, uint64_t now)
{
	pace->dirty = pages;
	pace->told = now;
}

void pace_cut(struct pace *pace, uint64_t now)
{
	pace->began = now;
	pace->is_wanted = false;
	pace->dirty = 0;
	pace->told = now;
}

static bool is_over(const struct pace *pace)
{
	return pace->limits.dirty_pages && pace->dirty >= pace->limits.dirty_pages;
}

uint64_t pace_due(const struct pace *pace, unsigned int in_flight)
{
	const struct pace_limits *limits = &pace->limits;

	if (in_flight >= limits->in_flight)
		return PACE_NEVER;
	return pace->began +
	       (pace->is_wanted || is_over(pace) ? limits->shortest : limits->longest);
}

uint64_t pace_look(const struct pace *pace, unsigned int in_flight)
{
	const struct pace_limits *limits = &pace->limits;

	if (!limits->dirty_pages || in_flight >= limits->in_flight || pace->is_wanted ||
	    is_over(pace))
		return PACE_NEVER;
	return pace->told + limits->longest / LOOKS;
}
