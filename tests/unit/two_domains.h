/* Two domains of two vCPUs each, for tests of event channels, and what those stand on: memory, locks, timers, a scheduler. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef TESTS_UNIT_TWO_DOMAINS_H
#define TESTS_UNIT_TWO_DOMAINS_H

#include <stdbool.h>
#include <stdint.h>

#include "domain/domain.h"
#include "mm/frame.h"
#include "vcpu/vcpu.h"

enum { TWO_DOMAINS_PAGES = 32 };

extern struct domain domains[2];
extern struct vcpu vcpus[2][2]; /* by domain and number */
extern struct shared_info shared[2];

/* Memory of both; frame numbers beyond it are refused. */
extern char guest_memory[TWO_DOMAINS_PAGES][PAGE_SIZE];
extern unsigned pins; /* of that memory, just now */

extern unsigned kicks[2][2]; /* of vCPUs, by domain and number */
extern unsigned wakes;       /* of all vCPUs */
extern uint64_t now;         /* ns, what the clock says */

/* Before and after each test. The second looks that no pin and no lock is left; locks out of order fail where they are taken. */
int two_domains_set_up(void **state);
int two_domains_tear_down(void **state);

/* Whether a port of a domain is pending, in the 2-level form. */
bool two_domains_pending(unsigned id, evtchn_port_t port);

#endif
