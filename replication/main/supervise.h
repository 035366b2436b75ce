/* The workers of remusd: one process a guest, started again when it dies. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_MAIN_SUPERVISE_H
#define REPLICATION_MAIN_SUPERVISE_H

#include <stdbool.h>

#include <ev.h>

struct supervisor {
	struct ev_loop *loop;
	const char *program; /* path of the worker */
	struct worker *workers;
	bool is_stopping;
	/* A worker has ended by itself: look whether its guest needs another. */
	void (*ended)(struct supervisor *supervisor);
	void (*stopped)(
		struct supervisor *supervisor); /* the last has gone, after supervise_stop() */
};

/* Have a worker for that guest; nothing if there is one, or one about to be started again. */
void supervise_want(struct supervisor *supervisor, unsigned int domid);

/* The guest needs none any more: one that waits to be started again is forgotten. */
void supervise_forget(struct supervisor *supervisor,
                      bool (*is_wanted)(unsigned int domid, void *data), void *data);

/* What there is to tell of a worker. */
struct worker_facts {
	unsigned int domid;
	int pid;             /* 0: waits to be started again */
	unsigned int starts; /* of this worker, the first one counted */
	ev_tstamp since;     /* of the last */
};

/* In no order. The function must not call the supervisor. */
void supervise_each(const struct supervisor *supervisor,
                    void (*tell)(const struct worker_facts *facts, void *data), void *data);

/* Ask all to end. */
void supervise_stop(struct supervisor *supervisor);

#endif
