/* A fence agent, a program by the convention of Debian's fence-agents: run once, for one action. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "fencing/agent/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define TIMEOUT_DEFAULT 20000 /* ms */

/* The program leads a process group, so that all that it starts can be killed with it. Its options lie in a file
 * without a name, in memory: they can be read at any pace, and no disk has them. */
struct agent_run {
	struct ev_loop *loop;
	pid_t pid;
	bool is_late;
	ev_child child;
	ev_timer timeout;
	ev_io readable;
	int output;
	char *text;
	size_t length;
	agent_done done;
	void *data;
};

const char *agent_action_name(enum agent_action action)
{
	static const char *const names[] = { "off", "on", "status", "monitor", "metadata" };

	return names[action];
}

/* --- settings --- */

static bool are_lines(const char *options)
{
	while (*options) {
		const char *end = strchr(options, '\n');
		const char *sign = strchr(options, '=');

		if (!end || !sign || sign > end || sign == options)
			return false;
		options = end + 1;
	}
	return true;
}

static bool names_action(const char *options)
{
	return !strncmp(options, "action=", 7) || strstr(options, "\naction=");
}

const char *agent_refusal(const struct agent *agent)
{
	const char *slash = strchr(agent->program, '/');

	if (!memchr(agent->program, 0, sizeof(agent->program)) ||
	    !memchr(agent->options, 0, sizeof(agent->options)))
		return "the name or the options of a fence agent are too long";
	if (!agent->program[0] || (slash && slash != agent->program))
		return "a fence agent is a program's name or an absolute path";
	if (!are_lines(agent->options))
		return "the options of a fence agent are NAME=VALUE";
	if (names_action(agent->options))
		return "a fence agent's action is not one of its options";
	return NULL;
}

/* --- the end --- */

static void release(struct agent_run *run)
{
	ev_child_stop(run->loop, &run->child);
	ev_timer_stop(run->loop, &run->timeout);
	ev_io_stop(run->loop, &run->readable);
	close(run->output);
	free(run->text);
	free(run);
}

/* What is beyond the bound is read, so that the program does not wait, and thrown away. False: no more for now. */
static bool read_some(struct agent_run *run)
{
	char waste[4096];
	size_t room = AGENT_OUTPUT_MAX - run->length;
	ssize_t got;

	if (room)
		got = read(run->output, run->text + run->length, room);
	else
		got = read(run->output, waste, sizeof(waste));
	if (got == 0)
		ev_io_stop(run->loop, &run->readable);
	if (got > 0 && room)
		run->length += (size_t)got;
	return got > 0;
}

static void on_readable(struct ev_loop *loop, ev_io *io, int events)
{
	(void)loop;
	(void)events;
	read_some(io->data);
}

static int end_status(const struct agent_run *run)
{
	if (run->is_late)
		return -ETIME;
	return WIFEXITED(run->child.rstatus) ? WEXITSTATUS(run->child.rstatus) : -ECHILD;
}

/* Its children may still hold the pipe: what is in it now is all that is waited for, and it is bounded. */
static void on_end(struct ev_loop *loop, ev_child *child, int events)
{
	struct agent_run *run = child->data;
	struct agent_end end = { .status = end_status(run) };

	(void)loop;
	(void)events;
	kill(-run->pid, SIGKILL);
	while (run->length < AGENT_OUTPUT_MAX && read_some(run))
		;
	run->text[run->length] = 0;
	end.output = run->text;
	run->done(run->data, &end);
	release(run);
}

static void on_timeout(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct agent_run *run = timer->data;

	(void)loop;
	(void)events;
	run->is_late = true;
	kill(-run->pid, SIGKILL);
}

void agent_stop(struct agent_run *run)
{
	kill(-run->pid, SIGKILL);
	release(run);
}

/* --- the start --- */

static int write_all(int fd, const char *text)
{
	size_t size = strlen(text);
	ssize_t done = write(fd, text, size);

	if (done < 0)
		return -errno;
	return (size_t)done == size ? 0 : -EIO;
}

static int make_options(const struct agent *agent, enum agent_action action)
{
	char line[32];
	int err, fd = memfd_create("options", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	snprintf(line, sizeof(line), "action=%s\n", agent_action_name(action));
	err = write_all(fd, agent->options);
	if (!err)
		err = write_all(fd, line);
	if (!err && lseek(fd, 0, SEEK_SET) < 0)
		err = -errno;
	if (!err)
		return fd;
	close(fd);
	return err;
}

/* What stderr says may be anything, secrets too; agents log to syslog what they think fit. */
static int spawn(const struct agent *agent, int options, int output, pid_t *pid)
{
	static char *const environment[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8",
		                             NULL };
	char path[sizeof("/usr/sbin/") + AGENT_PROGRAM_SIZE];
	char *words[] = { path, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t how;
	sigset_t none, piped;
	int err;

	snprintf(path, sizeof(path), "%s%s", agent->program[0] == '/' ? "" : "/usr/sbin/",
	         agent->program);
	sigemptyset(&none);
	sigemptyset(&piped);
	sigaddset(&piped, SIGPIPE);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, options, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawnattr_init(&how);
	posix_spawnattr_setflags(&how, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
	                                       POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&how, &none);
	posix_spawnattr_setsigdefault(&how, &piped);
	err = posix_spawn(pid, path, &files, &how, words, environment);
	posix_spawnattr_destroy(&how);
	posix_spawn_file_actions_destroy(&files);
	return -err;
}

static void watch(struct agent_run *run, uint32_t timeout)
{
	ev_child_init(&run->child, on_end, run->pid, 0);
	ev_io_init(&run->readable, on_readable, run->output, EV_READ);
	ev_timer_init(&run->timeout, on_timeout, (timeout ? timeout : TIMEOUT_DEFAULT) / 1000., 0.);
	run->child.data = run->readable.data = run->timeout.data = run;
	ev_child_start(run->loop, &run->child);
	ev_io_start(run->loop, &run->readable);
	ev_timer_start(run->loop, &run->timeout);
}

int agent_start(struct ev_loop *loop, const struct agent *agent, enum agent_action action,
                agent_done done, void *data, struct agent_run **result)
{
	struct agent_run *run = calloc(1, sizeof(*run));
	int options, pipes[2], err = -ENOMEM;

	if (!run)
		return err;
	run->text = malloc(AGENT_OUTPUT_MAX + 1);
	if (!run->text)
		goto err_after_run;
	options = err = make_options(agent, action);
	if (err < 0)
		goto err_after_text;
	if (pipe2(pipes, O_CLOEXEC | O_NONBLOCK)) {
		err = -errno;
		goto err_after_options;
	}
	/* The program's end is not to surprise it. */
	fcntl(pipes[1], F_SETFL, 0);
	err = spawn(agent, options, pipes[1], &run->pid);
	close(pipes[1]);
	if (err)
		goto err_after_pipe;
	close(options);
	run->loop = loop;
	run->output = pipes[0];
	run->done = done;
	run->data = data;
	watch(run, agent->timeout);
	*result = run;
	return 0;

err_after_pipe:
	close(pipes[0]);
err_after_options:
	close(options);
err_after_text:
	free(run->text);
err_after_run:
	free(run);
	return err;
}
