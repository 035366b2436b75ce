/* The hypervisor's watchdog of dom0: armed by remusd, fed by a process of its own (remus-watchdog). */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/daemon/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"

#define STEADY     1.0 /* seconds that one which can be relied on lives */
#define DEATHS_MAX 5
#define RECOVERY   10.0 /* before it is tried again */

static int start(struct keeper *keeper);

/* It must not die; whatever killed it, the next one feeds what is armed before its time is over. */
static void on_death(struct ev_loop *loop, ev_child *death, int events)
{
	struct keeper *keeper = death->data;

	(void)events;
	ev_child_stop(loop, death);
	close(keeper->pipe);
	keeper->deaths = ev_now(loop) < keeper->started + STEADY ? keeper->deaths + 1 : 1;
	log_error("remus-watchdog has died");
	if (keeper->deaths < DEATHS_MAX &&
	    xc_watchdog(keeper->xc, keeper->id, keeper->seconds) >= 0 && !start(keeper))
		return;
	log_error("nothing feeds the hypervisor's watchdog: it is disarmed");
	xc_watchdog(keeper->xc, keeper->id, 0);
	keeper->seconds = 0;
}

static int spawn(struct keeper *keeper, int input, pid_t *pid)
{
	char id[12], seconds[12], linger[12];
	char *words[] = { keeper->program, id, seconds, linger, NULL };
	posix_spawn_file_actions_t files;
	int err;

	snprintf(id, sizeof(id), "%u", keeper->id);
	snprintf(seconds, sizeof(seconds), "%u", keeper->seconds);
	snprintf(linger, sizeof(linger), "%u", keeper->linger);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
	err = posix_spawn(pid, keeper->program, &files, NULL, words, environ);
	posix_spawn_file_actions_destroy(&files);
	return -err;
}

static int start(struct keeper *keeper)
{
	int pipes[2], err;
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC))
		return -errno;
	err = spawn(keeper, pipes[0], &pid);
	close(pipes[0]);
	if (err) {
		close(pipes[1]);
		return err;
	}
	keeper->pipe = pipes[1];
	keeper->started = ev_now(keeper->loop);
	ev_child_init(&keeper->death, on_death, pid, 0);
	keeper->death.data = keeper;
	ev_child_start(keeper->loop, &keeper->death);
	return 0;
}

static void disarm(struct keeper *keeper)
{
	ev_child_stop(keeper->loop, &keeper->death);
	if (xc_watchdog(keeper->xc, keeper->id, 0) < 0)
		log_error("the hypervisor's watchdog cannot be disarmed: %s", strerror(errno));
	if (write(keeper->pipe, "q", 1) != 1)
		log_warning("remus-watchdog does not hear: %s", strerror(errno));
	close(keeper->pipe);
	keeper->seconds = 0;
}

static int arm(struct keeper *keeper, uint32_t seconds, uint32_t linger)
{
	int id, err;

	if (keeper->deaths >= DEATHS_MAX && ev_now(keeper->loop) < keeper->started + RECOVERY)
		return -ECHILD;
	id = xc_watchdog(keeper->xc, 0, seconds);
	if (id <= 0)
		return id ? -errno : -EIO;
	keeper->id = (uint32_t)id;
	keeper->seconds = seconds;
	keeper->linger = linger;
	err = start(keeper);
	if (!err)
		return 0;
	xc_watchdog(keeper->xc, keeper->id, 0);
	keeper->seconds = 0;
	return err;
}

int keeper_set(struct keeper *keeper, uint32_t seconds, uint32_t linger)
{
	if (keeper->seconds == seconds)
		return 0;
	if (!keeper->xc)
		keeper->xc = xc_interface_open(NULL, NULL, 0);
	if (!keeper->xc)
		return -errno;
	if (keeper->seconds)
		disarm(keeper);
	return seconds ? arm(keeper, seconds, linger) : 0;
}
