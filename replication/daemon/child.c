/* A process of remusd's that is started again when it dies. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/daemon/child.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/log.h"

/* Seconds before a dead one is started again: at once the first time, for its guest waits; then twice as long each
 * time, for what kills it may not go away. One that lived for a while starts over. */
#define BACKOFF_FIRST 0.02
#define BACKOFF_MAX   10.0
#define STEADY        30.0

/* Until one that does not end is killed. */
#define PATIENCE 30.0

static void log_death(const struct child *child, int status)
{
	if (WIFSIGNALED(status))
		log_warning("%s: its process %d was killed by signal %d", child->who, child->pid,
		            WTERMSIG(status));
	else
		log_warning("%s: its process %d failed with status %d", child->who, child->pid,
		            WEXITSTATUS(status));
}

static void wait_to_restart(struct child *child)
{
	if (ev_now(child->loop) - child->started > STEADY)
		child->backoff = BACKOFF_FIRST;
	ev_timer_set(&child->restart, child->backoff, 0.);
	ev_timer_start(child->loop, &child->restart);
	child->backoff = child->backoff * 2 < BACKOFF_MAX ? child->backoff * 2 : BACKOFF_MAX;
}

static void on_death(struct ev_loop *loop, ev_child *death, int events)
{
	struct child *child = death->data;
	bool has_failed = death->rstatus != 0;

	(void)events;
	ev_child_stop(loop, death);
	ev_timer_stop(loop, &child->patience);
	if (has_failed)
		log_death(child, death->rstatus);
	child->pid = 0;
	if (has_failed && !child->is_stopping && !child->is_once)
		wait_to_restart(child);
	else
		child->ended(child);
}

/* Between fork and exec: nothing but system calls. */
static void become(const struct child *child, pid_t parent)
{
	const char *name = strrchr(child->program, '/');
	char *words[] = { (char *)(uintptr_t)(name ? name + 1 : child->program),
		          (char *)(uintptr_t)child->argument, NULL };

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(1);
	execv(child->program, words);
	_exit(127);
}

static void run(struct child *child)
{
	pid_t parent = getpid(), pid = fork();

	child->started = ev_now(child->loop);
	child->starts++;
	if (pid == 0)
		become(child, parent);
	if (pid < 0) {
		log_error("%s: cannot start %s: %s", child->who, child->program, strerror(errno));
		wait_to_restart(child);
		return;
	}
	child->pid = pid;
	log_info("%s: process %d started", child->who, child->pid);
	ev_child_init(&child->death, on_death, pid, 0);
	child->death.data = child;
	ev_child_start(child->loop, &child->death);
}

static void on_restart(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	run(timer->data);
}

static void on_patience(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct child *child = timer->data;

	(void)loop;
	(void)events;
	log_error("%s: process %d does not end, and is killed", child->who, child->pid);
	kill(child->pid, SIGKILL);
}

void child_start(struct child *child)
{
	child->is_stopping = false;
	child->backoff = BACKOFF_FIRST;
	ev_timer_init(&child->restart, on_restart, 0., 0.);
	ev_timer_init(&child->patience, on_patience, PATIENCE, 0.);
	child->restart.data = child->patience.data = child;
	run(child);
}

bool child_stop(struct child *child)
{
	if (!child->started)
		return false;
	ev_timer_stop(child->loop, &child->restart);
	if (!child->pid)
		return false;
	if (!child->is_stopping) {
		child->is_stopping = true;
		kill(child->pid, SIGTERM);
		ev_timer_set(&child->patience, PATIENCE, 0.);
		ev_timer_start(child->loop, &child->patience);
	}
	return true;
}

bool child_is_on(const struct child *child)
{
	return child->started && (child->pid || ev_is_active(&child->restart));
}
