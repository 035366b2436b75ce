/* The time that a capped domain may still run in this period. All under the scheduler's lock. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_SCHED_CAP_H
#define XEN_CORE_SCHED_CAP_H

#include "sched/sched.h"

/* Always true of a domain without a cap. */
bool cap_has_budget(struct sched_share *share, nanos_t now);

/* It has run for that many nanoseconds. */
void cap_charge(struct sched_share *share, uint64_t ran);

/* How long it may run from now on, having budget; at least what is worth a timer. */
uint64_t cap_longest_run(const struct sched_share *share);

/* When it will have budget again, having none. */
nanos_t cap_refilled_at(const struct sched_share *share);

#endif
