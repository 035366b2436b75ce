/* Spin locks of the debug build: each CPU knows the levels it holds, and a wrong order stops it. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "hw/lock.h"

#include "hw/percpu.h"
#include "hw/ticket.h"
#include "lib/assert.h"
#include "lib/bits.h"

static const char *const level_names[LOCK_LEVELS] = {
	[LOCK_DOMAINS] = "domains", [LOCK_DOMAIN] = "domain",
	[LOCK_GRANT] = "grant",     [LOCK_EVENT_PAIR] = "event pair",
	[LOCK_EVENT] = "event",     [LOCK_P2M] = "p2m",
	[LOCK_VCPU] = "vcpu",       [LOCK_EVENT_QUEUE] = "event queue",
	[LOCK_SCHED] = "sched",     [LOCK_TIMER] = "timer",
	[LOCK_IPI] = "ipi",         [LOCK_HOST_MAP] = "host map",
	[LOCK_HEAP] = "heap",       [LOCK_FRAMES] = "frames",
	[LOCK_CONSOLE] = "console", [LOCK_SERIAL] = "serial",
};

/* A new level may not have its name here yet. */
static const char *level_name(unsigned level)
{
	return level_names[level] ? level_names[level] : "unnamed";
}

void lock_init(struct lock *lock, enum lock_level level)
{
	ASSERT(level < LOCK_LEVELS);
	*lock = (struct lock)LOCK_INIT((uint16_t)level);
}

void lock_take(struct lock *lock)
{
	struct cpu *cpu = this_cpu();

	if (cpu->locks_held >> lock->level)
		panic("lock order: %s is taken with %s held\n", level_name(lock->level),
		      level_name(bit_highest(cpu->locks_held)));
	if (read_rflags() & RFLAGS_IF)
		panic("lock %s is taken with interrupts on\n", level_name(lock->level));
	ticket_take(lock, cpu);
	cpu->locks_held |= 1U << lock->level;
}

void lock_release(struct lock *lock)
{
	struct cpu *cpu = this_cpu();

	if (!ticket_is_taken(lock) || !(cpu->locks_held >> lock->level & 1))
		panic("lock %s is released but not held\n", level_name(lock->level));
	cpu->locks_held &= ~(1U << lock->level);
	ticket_release(lock);
}

bool lock_is_held(const struct lock *lock)
{
	return ticket_is_taken(lock);
}
