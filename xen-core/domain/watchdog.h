/* A domain's watchdogs: it is shut down unless it says in time that it is alive (SCHEDOP_watchdog). */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_DOMAIN_WATCHDOG_H
#define XEN_CORE_DOMAIN_WATCHDOG_H

#include "domain/unit.h"

/*
 * id 0 starts an unused one and returns its id, from 1; else that one is given another so many seconds, or
 * stopped by 0 seconds. -EINVAL: there is none of that id, it does not run, its time is over, or the
 * domain is dying; -ENOSPC: all run already. The end of dom0 is the machine's.
 */
long domain_watchdog_set(struct domain *domain, uint32_t id, uint32_t seconds);

extern const struct unit watchdog_unit;

#endif
