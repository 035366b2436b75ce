/* Spin locks as users run them: nothing but the ticket. The debug build has lock_debug.c instead. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "hw/lock.h"

#include "hw/percpu.h"
#include "hw/ticket.h"

void lock_init(struct lock *lock, enum lock_level level)
{
	*lock = (struct lock)LOCK_INIT((uint16_t)level);
}

void lock_take(struct lock *lock)
{
	ticket_take(lock, this_cpu());
}

void lock_release(struct lock *lock)
{
	ticket_release(lock);
}

bool lock_is_held(const struct lock *lock)
{
	return ticket_is_taken(lock);
}
