/* remusd's end of a worker's control socket: questions, answers in their order, and events. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_DAEMON_WORKER_LINK_H
#define REPLICATION_DAEMON_WORKER_LINK_H

#include <ev.h>
#include <jansson.h>
#include <stdbool.h>

struct worker_link;

/*
 * Connects to the socket, again and again until it is there, and whenever it is lost. opened() is called each time.
 * event(), if there is one, is given each line with a field `event`. Neither may close the link. who and path are kept.
 * NULL: no memory.
 */
struct worker_link_events {
	void (*opened)(void *data);
	void (*event)(const json_t *event, void *data);
};
struct worker_link *worker_link_open(struct ev_loop *loop, const char *path,
                                     const struct worker_link_events *events, void *data);

/* Questions that are not answered yet are forgotten. */
void worker_link_close(struct worker_link *link);

bool worker_link_is_up(const struct worker_link *link);

/*
 * Takes over the question. done() is called once, not within this call, with the answer or a refusal made here: no-daemon,
 * if the worker is not there or goes, or has not answered after so many seconds (the connection is ended then). It may
 * close the link. NULL: the answer does not matter.
 */
void worker_link_ask(struct worker_link *link, json_t *question, double seconds,
                     void (*done)(const json_t *reply, void *data), void *data);

#endif
