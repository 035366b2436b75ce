/* Self-tests: domains that come and go while others look for them, and one that is late. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "domain/domain.h"
#include "domain/watchdog.h"
#include "hw/cpu.h"
#include "hw/ipi.h"
#include "hw/percpu.h"
#include "hw/timer.h"
#include "lib/errno.h"
#include "selftest/selftest.h"

#define ROUNDS 200

static bool look;
static unsigned looks, torn, lookers_done;

/* Every domain that is found has all that belongs to one. */
static void look_at_all(struct timer *timer)
{
	(void)timer;
	while (__atomic_load_n(&look, __ATOMIC_ACQUIRE)) {
		struct domain *domain;

		for (domid_t id = 0; (domain = domain_get_next(id)); domain_put(domain)) {
			id = (domid_t)(domain->id + 1);
			if (!domain->events || !domain->grants || !domain->shared_info)
				__atomic_fetch_add(&torn, 1, __ATOMIC_RELAXED);
			__atomic_fetch_add(&looks, 1, __ATOMIC_RELAXED);
		}
		ipi_serve(this_cpu());
	}
	__atomic_fetch_add(&lookers_done, 1, __ATOMIC_RELEASE);
}

static const char *come_and_go(void)
{
	const struct domain_config config = { .id = DOMID_INVALID, .max_vcpus = 1 };

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct domain *domain;

		CHECK(!domain_create(&config, &domain));
		CHECK(!domain_vcpu_create(domain, 0, this_cpu()));
		domain_put(domain);
	}
	return NULL;
}

static const char *found_whole(void)
{
	static struct timer timers[MAX_CPUS];
	const char *failure;
	unsigned others = 0;

	look = true;
	for (unsigned i = 0; i < cpu_count; i++) {
		timer_init(&timers[i], look_at_all);
		if (cpus[i] == this_cpu())
			continue;
		timer_set(&timers[i], cpus[i], clock_now());
		others++;
	}
	failure = come_and_go();
	__atomic_store_n(&look, false, __ATOMIC_RELEASE);
	CHECK(selftest_wait(&lookers_done, others, SECONDS(20)));
	CHECK(!failure && !torn);
	return NULL;
}

/* Fed once its time is over, before its timer could fire: interrupts are off here. */
static const char *watchdog_fed_late(void)
{
	const struct domain_config config = { .id = DOMID_INVALID, .max_vcpus = 1 };
	struct domain *domain;
	nanos_t begin;

	CHECK(!domain_create(&config, &domain));
	CHECK(domain_watchdog_set(domain, 0, 1) == 1);
	CHECK(!domain_watchdog_set(domain, 1, 1));
	begin = clock_now();
	while (clock_now().v - begin.v <= SECONDS(1))
		;
	CHECK(domain_watchdog_set(domain, 1, 1000) == -EINVAL);
	CHECK(domain_watchdog_set(domain, 1, 0) == -EINVAL);
	while (!domain->shut_down && clock_now().v - begin.v <= SECONDS(10))
		interrupts_window();
	CHECK(domain->shut_down);
	domain_put(domain);
	return NULL;
}

const struct selftest selftests_domains[] = {
	{ "domains_found_whole", found_whole },
	{ "domains_watchdog_fed_late", watchdog_fed_late },
	{ NULL, NULL },
};
