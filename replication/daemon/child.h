/* A process of remusd's that is started again when it dies. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_DAEMON_CHILD_H
#define REPLICATION_DAEMON_CHILD_H

#include <stdbool.h>

#include <ev.h>

/*
 * The caller fills in the first part; all strings are kept. The loop is libev's default one, which alone hears of
 * children. The process gets SIGTERM when remusd dies.
 */
struct child {
	struct ev_loop *loop;
	const char *program;  /* path */
	const char *argument; /* its only one */
	const char *who;      /* for logs */
	bool is_once;         /* it is not started again if it fails, either */
	void (*ended)(
		struct child *
			child); /* with status 0, or stopped, or is_once: it will not start again */
	void *data;

	int pid; /* 0: none runs: before the start, after the end, or until it is started again */
	unsigned int starts; /* of this child, the first one counted */
	ev_tstamp started;   /* the last */
	ev_tstamp backoff;
	bool is_stopping;
	ev_child death;
	ev_timer restart, patience;
};

/* All else must be zero at the first start. */
void child_start(struct child *child);

/* Ask it to end, and kill it if it does not. True: ended() will be called; false: nothing runs, nor will. */
bool child_stop(struct child *child);

/* It runs, or is about to be started again. */
bool child_is_on(const struct child *child);

#endif
