/* A domain's watchdogs: it is shut down unless it says in time that it is alive (SCHEDOP_watchdog). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/watchdog.h"

#include "hw/percpu.h"
#include "lib/errno.h"
#include "lib/print.h"
#include "mm/heap.h"

#define WATCHDOGS 2 /* of a domain: as many as the ABI's callers can count on */

struct watchdog {
	struct timer timer;
	struct domain *domain;
	bool runs; /* (with the domain's lock) */
};

/* Its time is over; perhaps nobody has seen to that yet. */
static bool is_over(const struct watchdog *watchdog)
{
	return clock_now().v >= watchdog->timer.expires.v;
}

static void ran_out(struct timer *timer)
{
	struct watchdog *watchdog = LIST_ENTRY(timer, struct watchdog, timer);
	struct domain *domain = watchdog->domain;
	bool late;

	lock_take(&domain->lock);
	/* It may have been stopped, or have got more time, just before. */
	late = watchdog->runs && is_over(watchdog);
	lock_release(&domain->lock);
	if (!late)
		return;
	print("domain %u has not fed its watchdog\n", domain->id);
	domain_shutdown(domain, SHUTDOWN_watchdog);
}

static struct watchdog *unused(struct watchdog *watchdogs)
{
	for (unsigned i = 0; i < WATCHDOGS; i++)
		if (!watchdogs[i].runs)
			return &watchdogs[i];
	return NULL;
}

/* With the domain's lock. */
static long set(struct domain *domain, uint32_t id, uint32_t seconds)
{
	struct watchdog *watchdog;

	if (id > WATCHDOGS || (!id && !seconds) || (id && !domain->watchdogs[id - 1].runs) ||
	    domain->state >= DOMAIN_DYING)
		return -EINVAL;
	watchdog = id ? &domain->watchdogs[id - 1] : unused(domain->watchdogs);
	if (!watchdog)
		return -ENOSPC;
	if (id && is_over(watchdog)) /* what hung and woke must not be quicker than the timer */
		return -EINVAL;
	watchdog->runs = seconds;
	if (seconds)
		timer_set(&watchdog->timer, this_cpu(), NANOS(clock_now().v + SECONDS(seconds)));
	else
		timer_stop(&watchdog->timer);
	return id ? 0 : watchdog - domain->watchdogs + 1;
}

long domain_watchdog_set(struct domain *domain, uint32_t id, uint32_t seconds)
{
	long result;

	lock_take(&domain->lock);
	result = set(domain, id, seconds);
	lock_release(&domain->lock);
	return result;
}

static int create(struct domain *domain, const struct domain_config *config)
{
	(void)config;
	domain->watchdogs = heap_alloc(WATCHDOGS * sizeof(*domain->watchdogs));
	if (!domain->watchdogs)
		return -ENOMEM;
	for (unsigned i = 0; i < WATCHDOGS; i++) {
		domain->watchdogs[i].domain = domain;
		timer_init(&domain->watchdogs[i].timer, ran_out);
	}
	return 0;
}

/* Nothing sets them any more. */
static void destroy(struct domain *domain)
{
	for (unsigned i = 0; i < WATCHDOGS; i++)
		timer_retire(&domain->watchdogs[i].timer);
	heap_free(domain->watchdogs);
}

const struct unit watchdog_unit = {
	.name = "watchdog",
	.domain_create = create,
	.domain_destroy = destroy,
};
