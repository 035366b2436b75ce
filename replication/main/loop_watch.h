/* How long the handlers of a loop keep it from waiting. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_MAIN_LOOP_WATCH_H
#define REPLICATION_MAIN_LOOP_WATCH_H

#include <ev.h>

/* A round of handlers that takes longer is counted: nothing in a handler blocks (style S25). */
#define LOOP_WATCH_SLOW_MS 5

/* Measure each round of the loop; one loop a process. */
void loop_watch_start(struct ev_loop *loop);

/* Log what was measured since the start. */
void loop_watch_report(void);

#endif
