/* Both workers of a simulated VM in one loop, over real TLS. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef TESTS_UNIT_WORKER_PAIR_H
#define TESTS_UNIT_WORKER_PAIR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "replication/main/primary_worker.h"
#include "replication/main/standby_worker.h"
#include "replication/primary/parts.h"
#include "tests/sim/sim.h"
#include "tests/unit/until.h"

struct pair {
	struct ev_loop *loop;
	ev_timer tick; /* the VM's program runs by it */
	bool is_running, is_arbitrated;
	struct sim_guest guest;
	struct sim_shadow shadow;
	struct primary_settings primary_settings;
	struct standby_settings standby_settings;
	struct primary_worker primary;
	struct standby_worker standby;
	uint16_t port; /* of the standby */
};

#define UNTIL(condition) UNTIL_IN(pair->loop, condition)

void start_standby(struct pair *pair);
void start_primary(struct pair *pair);
int set_up(void **state);
/* Each batch of pages goes through threads. */
int set_up_threads(void **state);
int tear_down(void **state);
enum primary_state primary_is(const struct pair *pair);
uint64_t acked(const struct pair *pair);

/* In sync, and packets that were held have left. */
void wait_in_sync(struct pair *pair);

#endif
