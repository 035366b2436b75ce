/* A worker whose output is held, for tests of its rules: real rules, log and frames; memory and tap are simulated. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef TESTS_UNIT_HELD_WORKER_H
#define TESTS_UNIT_HELD_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "replication/backend/held.h"
#include "replication/backend/output.h"

extern struct output output;
extern struct held held;

extern bool is_memory_short;      /* none can be shared any more */
extern bool is_unnoted;           /* a change that was not noted is under way */
extern uint64_t oldest_under_way; /* position of the note of the oldest write that the kernel has */
extern unsigned int tap_room;     /* frames that the tap still takes */
extern unsigned int left_count;   /* frames that have left by it */
extern struct door_message answers[16]; /* what the holder was told */
extern unsigned int answer_count;
extern unsigned int gone_on; /* how often the rings were let go on */

/* Before and after each test. */
int worker_set_up(void **state);
int worker_tear_down(void **state);

/* The memory outlives it; the next one finds it. */
void worker_kill(void);
void worker_start(void);

/* As a holder: ask, and get the kind of the last answer, 0 if there is none; with refused(), the error of a refusal. */
uint32_t ask(enum door_kind kind, uint64_t epoch);
int refused(enum door_kind kind, uint64_t epoch);
uint32_t ask_exempt(const struct exempt *exempt);
void boundary(uint64_t epoch); /* STOP and CUT, which succeed */

/* As a network card or a disk; false: there is no room. Frames carry numbers. */
bool send_frame(uint32_t number);
bool write_disk(uint64_t sector, size_t bytes);

/* So many frames have left: numbers from 0, in order. */
void assert_left(uint32_t count);

#endif
