/* A program of the host's that is run for what it prints. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/daemon/program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

struct program_run {
	struct ev_loop *loop;
	void (*done)(const char *output, const char *why, void *data);
	void *data;
	bool has_ended, has_closed; /* the process; its output */
	int status;
	char why[128]; /* why it fails whatever it prints */
	ev_child death;
	ev_io readable;
	ev_timer patience;
	size_t used;
	char output[PROGRAM_OUTPUT_MAX + 1];
};

static void stop(struct program_run *run)
{
	ev_io_stop(run->loop, &run->readable);
	ev_timer_stop(run->loop, &run->patience);
	if (!run->has_closed)
		close(run->readable.fd);
	run->has_closed = true;
}

/* The process is waited for in any case. */
static void release(struct program_run *run)
{
	if (!run->has_ended)
		return;
	stop(run);
	free(run);
}

static void tell(struct program_run *run)
{
	void (*done)(const char *output, const char *why, void *data) = run->done;

	if (!done || !run->has_closed || !run->has_ended)
		return;
	run->done = NULL;
	if (!*run->why && run->status)
		snprintf(run->why, sizeof(run->why), "it fails with status %d",
		         WIFEXITED(run->status) ? WEXITSTATUS(run->status) : -1);
	done(*run->why ? NULL : run->output, run->why, run->data);
	release(run);
}

static void fail(struct program_run *run, const char *why)
{
	snprintf(run->why, sizeof(run->why), "%s", why);
	stop(run);
	if (!run->has_ended)
		kill(run->death.pid, SIGKILL);
	tell(run);
}

static void on_death(struct ev_loop *loop, ev_child *death, int events)
{
	struct program_run *run = death->data;

	(void)events;
	ev_child_stop(loop, death);
	run->has_ended = true;
	run->status = death->rstatus;
	if (!run->done)
		release(run);
	else
		tell(run);
}

static void on_readable(struct ev_loop *loop, ev_io *io, int events)
{
	struct program_run *run = io->data;
	ssize_t got = read(io->fd, run->output + run->used, PROGRAM_OUTPUT_MAX - run->used);

	(void)loop;
	(void)events;
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		stop(run);
		tell(run);
		return;
	}
	run->used += (size_t)got;
	if (run->used == PROGRAM_OUTPUT_MAX)
		fail(run, "it says too much");
}

static void on_patience(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	fail(timer->data, "it takes too long");
}

/* Its output goes to the pipe; 0 or an errno. */
static int spawn(pid_t *pid, const char *const *words, int output)
{
	posix_spawn_file_actions_t actions;
	int err = posix_spawn_file_actions_init(&actions);

	if (err)
		return err;
	err = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	if (!err)
		err = posix_spawnp(pid, words[0], &actions, NULL, (char *const *)(uintptr_t)words,
		                   environ);
	posix_spawn_file_actions_destroy(&actions);
	return err;
}

static void start(struct program_run *run, const char *const *words)
{
	int ends[2], err = pipe2(ends, O_CLOEXEC) ? errno : 0;
	pid_t pid;

	run->has_closed = run->has_ended = true;
	if (!err) {
		fcntl(ends[0], F_SETFL, O_NONBLOCK);
		err = spawn(&pid, words, ends[1]);
		close(ends[1]);
		if (err)
			close(ends[0]);
	}
	if (err) { /* told by the timer, not within the call */
		snprintf(run->why, sizeof(run->why), "%s", strerror(err));
		ev_timer_set(&run->patience, 0., 0.);
		return;
	}
	run->has_closed = run->has_ended = false;
	ev_io_init(&run->readable, on_readable, ends[0], EV_READ);
	ev_child_init(&run->death, on_death, pid, 0);
	run->readable.data = run->death.data = run;
	ev_io_start(run->loop, &run->readable);
	ev_child_start(run->loop, &run->death);
}

static void on_no_start(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	tell(timer->data);
}

struct program_run *program_run(struct ev_loop *loop, const char *const *words, double seconds,
                                void (*done)(const char *output, const char *why, void *data),
                                void *data)
{
	struct program_run *run = calloc(1, sizeof(*run));

	if (!run)
		return NULL;
	run->loop = loop;
	run->done = done;
	run->data = data;
	ev_init(&run->readable, on_readable);
	ev_timer_init(&run->patience, on_patience, seconds, 0.);
	run->patience.data = run;
	start(run, words);
	if (run->has_ended)
		ev_set_cb(&run->patience, on_no_start);
	ev_timer_start(loop, &run->patience);
	return run;
}

void program_drop(struct program_run *run)
{
	run->done = NULL;
	stop(run);
	if (!run->has_ended)
		kill(run->death.pid, SIGKILL);
	release(run);
}

void program_leave(struct program_run *run)
{
	run->done = NULL;
	stop(run);
	release(run);
}
