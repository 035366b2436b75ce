/* Two guards of one VM on a clock that does not jump; workers and cluster are fakes. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef TESTS_UNIT_TWO_GUARDS_H
#define TESTS_UNIT_TWO_GUARDS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fencing/guard/guard.h"
#include "tests/unit/fake_cluster.h"

#define SECOND   1000000000ull
#define PATIENCE 120.0 /* s */
#define LEASE    400   /* ms */
#define WINDOW   4000  /* ms: more than lease, enforcement and two margins */

/* One host: what its worker would have been told to do. */
struct side {
	uint32_t id;
	struct side *peer;
	char folder[64];
	int fd;
	struct writer *writer;
	struct fencer *fencer;
	struct guard *guard;
	bool is_running; /* the VM runs here */
	bool has_copy;   /* complete */
	bool is_solo, is_held, is_paused;
	uint64_t lease;      /* until when acknowledged output may go out */
	struct right wanted; /* of a sync that is asked for */
	bool wants_sync, wants_dropped;
	unsigned int alarms[ALARM_COUNT], fenced;
	unsigned int syncs;
	int unprotected; /* 1: not called yet */
};

extern struct ev_loop *loop;
extern struct side a, b;
extern bool is_link_up;
extern const struct guard_ops ops; /* of the workers */

/* Whether output of its VM may leave; that of both never may (I5), which is looked at all the time. */
bool lets_out(const struct side *side);
void give_agent(struct side *side);
void start_remusd(struct side *side);
void stop_remusd(struct side *side);
void power_off(struct side *side);
void power_on(struct side *side);
int set_up(void **state);
int tear_down(void **state);
void run_once(void);
void run_for(double seconds);
enum arbiter_state state_of(const struct side *side);
void wait_state(const struct side *side, enum arbiter_state state);
struct record record_of(const struct side *side);
void assert_record(const struct side *side, enum situation situation, uint64_t generation,
                   uint64_t round);
void protect(void);

#endif
