/* Two domains of two vCPUs each: what event channels stand on, made simple. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "tests/unit/two_domains.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dirty/access.h"
#include "domain/clock.h"
#include "event/event.h"
#include "lib/assert.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "mm/heap.h"
#include "sched/sched.h"

_Alignas(4096) char guest_memory[TWO_DOMAINS_PAGES][PAGE_SIZE];
unsigned pins;
unsigned kicks[2][2], wakes;
uint64_t now = 1000;
static unsigned levels_held;

/* --- what the event channels stand on --- */

struct domain *dom0;

void *heap_alloc(size_t size)
{
	return calloc(1, size);
}

void heap_free(void *object)
{
	free(object);
}

void lock_init(struct lock *lock, enum lock_level level)
{
	*lock = (struct lock)LOCK_INIT(level);
}

void lock_take(struct lock *lock)
{
	assert_true(lock->serving == lock->next);
	assert_true(levels_held < BIT(lock->level));
	levels_held |= BIT(lock->level);
	lock->next++;
}

void lock_release(struct lock *lock)
{
	assert_true(levels_held & BIT(lock->level));
	levels_held &= ~BIT(lock->level);
	lock->serving++;
}

bool lock_is_held(const struct lock *lock)
{
	return lock->serving != lock->next;
}

void panic(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	abort();
}

int access_pin(struct p2m *p2m, gfn_t gfn, struct access_pin *pin)
{
	if (gfn.v >= TWO_DOMAINS_PAGES)
		return -EFAULT;
	*pin = (struct access_pin){ .mfn = MFN(gfn.v), .address = guest_memory[gfn.v] };
	pins++;
	return 0;
}

void access_unpin(struct access_pin *pin)
{
	if (pin->address)
		pins--;
	*pin = (struct access_pin){ .mfn = MFN_NONE };
}

void sched_kick(struct vcpu *vcpu)
{
	kicks[vcpu->domain->id][vcpu->id]++;
	vcpu->blocked = false;
}

void sched_wake(struct vcpu *vcpu)
{
	wakes++;
	vcpu->blocked = false;
}

void sched_block(struct vcpu *vcpu)
{
	vcpu->blocked = true;
}

void domain_clock_publish_wall(struct domain *domain)
{
	(void)domain;
}

nanos_t clock_now(void)
{
	return NANOS(now);
}

void timer_init(struct timer *timer, void (*fire)(struct timer *timer))
{
	*timer = (struct timer){ .fire = fire };
}

void timer_set(struct timer *timer, struct cpu *cpu, nanos_t expires)
{
	timer->expires = expires;
}

void timer_stop(struct timer *timer)
{
	timer->expires = NANOS(0);
}

void timer_retire(struct timer *timer)
{
	timer_stop(timer);
}

/* --- two domains of two vCPUs each --- */

struct domain domains[2];
struct vcpu vcpus[2][2];
struct shared_info shared[2];

static void domain_make(unsigned id)
{
	struct domain_config config = { .max_event_ports = id ? 1023 : 0 };
	struct domain *domain = &domains[id];

	memset(domain, 0, sizeof(*domain));
	memset(&shared[id], 0, sizeof(shared[id]));
	domain->id = (domid_t)id;
	domain->shared_info = &shared[id];
	domain->layout = &layout_wide;
	assert_int_equal(event_unit.domain_create(domain, &config), 0);
	for (unsigned i = 0; i < 2; i++) {
		struct vcpu *vcpu = &vcpus[id][i];

		memset(vcpu, 0, sizeof(*vcpu));
		vcpu->id = i;
		vcpu->domain = domain;
		vcpu->info = &shared[id].vcpu_info[i];
		vcpu->layout = domain->layout;
		assert_int_equal(event_unit.vcpu_create(vcpu), 0);
		domain->vcpus[i] = vcpu;
	}
}

int two_domains_set_up(void **state)
{
	memset(guest_memory, 0, sizeof(guest_memory));
	memset(kicks, 0, sizeof(kicks));
	wakes = 0;
	domain_make(0);
	domain_make(1);
	dom0 = &domains[0];
	return 0;
}

int two_domains_tear_down(void **state)
{
	for (unsigned id = 0; id < 2; id++) {
		if (!domains[id].events)
			continue;
		for (unsigned i = 0; i < 2; i++)
			event_unit.vcpu_destroy(&vcpus[id][i]);
		event_unit.domain_destroy(&domains[id]);
	}
	assert_int_equal(pins, 0);
	assert_int_equal(levels_held, 0);
	return 0;
}

bool two_domains_pending(unsigned id, evtchn_port_t port)
{
	return bit_test(port, shared[id].evtchn_pending);
}
