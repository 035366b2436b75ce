/* The workers of remusd: one process a guest, started again when it dies. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/main/supervise.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"
#include "replication/daemon/child.h"

struct worker {
	struct worker *next;
	struct supervisor *supervisor;
	unsigned int domid;
	char argument[12], who[24];
	struct child child;
};

static struct worker *find(const struct supervisor *supervisor, unsigned int domid)
{
	struct worker *worker = supervisor->workers;

	while (worker && worker->domid != domid)
		worker = worker->next;
	return worker;
}

static void forget(struct worker *worker)
{
	struct supervisor *supervisor = worker->supervisor;
	struct worker **link = &supervisor->workers;

	while (*link != worker)
		link = &(*link)->next;
	*link = worker->next;
	free(worker);
}

static void on_ended(struct child *child)
{
	struct worker *worker = child->data;
	struct supervisor *supervisor = worker->supervisor;

	forget(worker);
	if (!supervisor->is_stopping)
		supervisor->ended(supervisor);
	else if (!supervisor->workers)
		supervisor->stopped(supervisor);
}

static void start(struct worker *worker)
{
	snprintf(worker->argument, sizeof(worker->argument), "%u", worker->domid);
	snprintf(worker->who, sizeof(worker->who), "guest %u", worker->domid);
	worker->child = (struct child){ .loop = worker->supervisor->loop,
		                        .program = worker->supervisor->program,
		                        .argument = worker->argument,
		                        .who = worker->who,
		                        .ended = on_ended,
		                        .data = worker };
	child_start(&worker->child);
}

void supervise_want(struct supervisor *supervisor, unsigned int domid)
{
	struct worker *worker;

	if (supervisor->is_stopping || find(supervisor, domid))
		return;
	worker = calloc(1, sizeof(*worker));
	if (!worker) {
		log_error("guest %u: no memory for its worker", domid);
		return;
	}
	worker->supervisor = supervisor;
	worker->domid = domid;
	worker->next = supervisor->workers;
	supervisor->workers = worker;
	start(worker);
}

void supervise_forget(struct supervisor *supervisor,
                      bool (*is_wanted)(unsigned int domid, void *data), void *data)
{
	struct worker *worker, *next;

	for (worker = supervisor->workers; worker; worker = next) {
		next = worker->next;
		if (!worker->child.pid && !is_wanted(worker->domid, data)) {
			child_stop(&worker->child);
			forget(worker);
		}
	}
}

void supervise_each(const struct supervisor *supervisor,
                    void (*tell)(const struct worker_facts *facts, void *data), void *data)
{
	for (const struct worker *worker = supervisor->workers; worker; worker = worker->next) {
		const struct child *child = &worker->child;
		struct worker_facts facts = { worker->domid, child->pid, child->starts,
			                      child->started };

		tell(&facts, data);
	}
}

void supervise_stop(struct supervisor *supervisor)
{
	struct worker *worker, *next;

	supervisor->is_stopping = true;
	for (worker = supervisor->workers; worker; worker = next) {
		next = worker->next;
		if (!child_stop(&worker->child))
			forget(worker);
	}
	if (!supervisor->workers)
		supervisor->stopped(supervisor);
}
