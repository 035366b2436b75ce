/* One arbiter, told what a test makes up, and what it has asked for. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef TESTS_UNIT_ONE_ARBITER_H
#define TESTS_UNIT_ONE_ARBITER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fencing/arbiter/arbiter.h"

#define MS 1000000ull

extern struct arbiter arbiter;
extern struct arbiter_config config;
extern struct arbiter_actions did;
extern uint64_t now;
extern bool writes_at_once;
extern uint64_t replies; /* the number of the simulated standby's last reply */

bool did_ask(enum action_kind kind);
const struct arbiter_action *find(enum action_kind kind);
bool did_alarm(enum alarm alarm);

/* What a caller does at once. What was asked for is gathered, so that a test sees all of it. */
void tell(struct arbiter_event event);
void tell_word(enum situation situation, uint64_t generation, uint64_t round, bool is_asking);
void tell_members(bool is_quorate, bool is_peer_present, bool others_changed);
void pass(uint64_t duration);
void start(enum situation situation, uint64_t generation, uint64_t round, bool is_running);
int begin(void **state);
enum arbiter_state state_now(void);
void tell_reply(uint64_t number, uint64_t beat);
void tell_beat(uint64_t number, uint64_t reply);

/* A primary of round 1.1 whose lease has just been renewed. */
void be_replicating(void);

/* A standby of round 1.1 whose last reply is confirmed. */
void be_in_sync(void);

#endif
