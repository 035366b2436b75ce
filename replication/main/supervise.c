/* The workers of remusd: one process a guest, started again when it dies. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/main/supervise.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "common/log.h"

extern char **environ;

/* Seconds before a dead worker is started again: at once the first time, for its guest waits; then twice as long each
 * time, for what kills it may not go away. A worker that lived for a while starts over. */
#define BACKOFF_FIRST 0.02
#define BACKOFF_MAX   10.0
#define STEADY        30.0

struct worker {
	struct worker *next;
	struct supervisor *supervisor;
	unsigned int domid;
	pid_t pid; /* 0: waits to be started again */
	unsigned int starts;
	ev_child child;
	ev_timer restart;
	ev_tstamp started, backoff;
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
	ev_timer_stop(supervisor->loop, &worker->restart);
	free(worker);
}

static void log_death(const struct worker *worker, int status)
{
	if (WIFSIGNALED(status))
		log_warning("guest %u: its worker %d was killed by signal %d", worker->domid,
		            (int)worker->pid, WTERMSIG(status));
	else
		log_warning("guest %u: its worker %d failed with status %d", worker->domid,
		            (int)worker->pid, WEXITSTATUS(status));
}

static void wait_to_restart(struct worker *worker)
{
	struct ev_loop *loop = worker->supervisor->loop;

	if (ev_now(loop) - worker->started > STEADY)
		worker->backoff = BACKOFF_FIRST;
	ev_timer_set(&worker->restart, worker->backoff, 0.);
	ev_timer_start(loop, &worker->restart);
	worker->backoff = worker->backoff * 2 < BACKOFF_MAX ? worker->backoff * 2 : BACKOFF_MAX;
}

static void on_death(struct ev_loop *loop, ev_child *child, int events)
{
	struct worker *worker = child->data;
	struct supervisor *supervisor = worker->supervisor;
	bool has_failed = child->rstatus != 0;

	(void)events;
	ev_child_stop(loop, child);
	if (has_failed)
		log_death(worker, child->rstatus);
	worker->pid = 0;
	if (has_failed && !supervisor->is_stopping) {
		wait_to_restart(worker);
		return;
	}
	forget(worker);
	if (!supervisor->is_stopping)
		supervisor->ended(supervisor);
	else if (!supervisor->workers)
		supervisor->stopped(supervisor);
}

static void start(struct worker *worker)
{
	struct supervisor *supervisor = worker->supervisor;
	char domid[12];
	char *words[] = { "remus-backend", domid, NULL };
	int err;

	snprintf(domid, sizeof(domid), "%u", worker->domid);
	worker->started = ev_now(supervisor->loop);
	worker->starts++;
	err = posix_spawn(&worker->pid, supervisor->program, NULL, NULL, words, environ);
	if (err) {
		log_error("guest %u: cannot start %s: %s", worker->domid, supervisor->program,
		          strerror(err));
		worker->pid = 0;
		wait_to_restart(worker);
		return;
	}
	log_info("guest %u: worker %d started", worker->domid, (int)worker->pid);
	ev_child_init(&worker->child, on_death, worker->pid, 0);
	worker->child.data = worker;
	ev_child_start(supervisor->loop, &worker->child);
}

static void on_restart(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	start(timer->data);
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
	worker->backoff = BACKOFF_FIRST;
	ev_timer_init(&worker->restart, on_restart, 0., 0.);
	worker->restart.data = worker;
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
		if (!worker->pid && !is_wanted(worker->domid, data))
			forget(worker);
	}
}

void supervise_each(const struct supervisor *supervisor,
                    void (*tell)(const struct worker_facts *facts, void *data), void *data)
{
	for (const struct worker *worker = supervisor->workers; worker; worker = worker->next) {
		struct worker_facts facts = { worker->domid, (int)worker->pid, worker->starts,
			                      worker->started };

		tell(&facts, data);
	}
}

void supervise_stop(struct supervisor *supervisor)
{
	struct worker *worker, *next;

	supervisor->is_stopping = true;
	for (worker = supervisor->workers; worker; worker = next) {
		next = worker->next;
		if (worker->pid)
			kill(worker->pid, SIGTERM);
		else
			forget(worker);
	}
	if (!supervisor->workers)
		supervisor->stopped(supervisor);
}
