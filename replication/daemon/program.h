/* A program of the host's that is run for what it prints. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_DAEMON_PROGRAM_H
#define REPLICATION_DAEMON_PROGRAM_H

#include <ev.h>

#define PROGRAM_OUTPUT_MAX 65536u

struct program_run;

/*
 * words ends with NULL; the first is looked for in PATH. done() is called once, not within this call: with what it printed,
 * or NULL and why, if it failed, printed more than PROGRAM_OUTPUT_MAX, or was not done after so many seconds (it is killed
 * then). The loop is libev's default one. NULL: no memory, and done() will not be called.
 */
struct program_run *program_run(struct ev_loop *loop, const char *const *words, double seconds,
                                void (*done)(const char *output, const char *why, void *data),
                                void *data);

/* Its output is not wanted any more: it is killed. */
void program_drop(struct program_run *run);

/* The same, but it goes on. */
void program_leave(struct program_run *run);

#endif
