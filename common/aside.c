/* A job beside the loop. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "common/aside.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

/*
 *    IDLE --begin--> WORKING --thread: work--> ENDED --loop: done--> IDLE
 *                       `--close--> LEFT --thread: work, drop--> freed by the thread
 *
 * state and err are guarded by the lock; job is the thread's while it is WORKING or LEFT.
 */
enum state { IDLE, WORKING, ENDED, LEFT };

struct aside {
	struct ev_loop *loop;
	ev_async told;
	pthread_mutex_t lock;
	enum state state;
	struct aside_job job;
	int err;
};

static void destroy(struct aside *aside)
{
	pthread_mutex_destroy(&aside->lock);
	free(aside);
}

/* Whether somebody waits for it. */
static bool end(struct aside *aside, int err)
{
	bool is_left;

	pthread_mutex_lock(&aside->lock);
	is_left = aside->state == LEFT;
	if (!is_left) {
		aside->state = ENDED;
		aside->err = err;
		ev_async_send(aside->loop, &aside->told);
	}
	pthread_mutex_unlock(&aside->lock);
	return !is_left;
}

static void *run(void *data)
{
	struct aside *aside = data;
	struct aside_job job = aside->job;
	int err = job.work(job.order);

	if (end(aside, err))
		return NULL;
	job.drop(job.order, err);
	destroy(aside);
	return NULL;
}

static void on_told(struct ev_loop *loop, ev_async *async, int events)
{
	struct aside *aside = async->data;

	(void)loop;
	(void)events;
	pthread_mutex_lock(&aside->lock);
	aside->state = IDLE;
	pthread_mutex_unlock(&aside->lock);
	aside->job.done(aside->job.data, aside->job.order, aside->err);
}

int aside_open(struct ev_loop *loop, struct aside **result)
{
	struct aside *aside = calloc(1, sizeof(*aside));

	if (!aside)
		return -ENOMEM;
	aside->loop = loop;
	pthread_mutex_init(&aside->lock, NULL);
	ev_async_init(&aside->told, on_told);
	aside->told.data = aside;
	ev_async_start(loop, &aside->told);
	*result = aside;
	return 0;
}

void aside_close(struct aside *aside)
{
	enum state was;

	ev_async_stop(aside->loop, &aside->told);
	pthread_mutex_lock(&aside->lock);
	was = aside->state;
	if (was == WORKING)
		aside->state = LEFT;
	pthread_mutex_unlock(&aside->lock);
	if (was == WORKING)
		return;
	if (was == ENDED)
		aside->job.drop(aside->job.order, aside->err);
	destroy(aside);
}

bool aside_is_busy(struct aside *aside)
{
	enum state state;

	pthread_mutex_lock(&aside->lock);
	state = aside->state;
	pthread_mutex_unlock(&aside->lock);
	return state != IDLE;
}

static int start_thread(struct aside *aside)
{
	sigset_t all, before;
	pthread_t thread;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&thread, NULL, run, aside);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!err)
		pthread_detach(thread);
	return -err;
}

int aside_begin(struct aside *aside, const struct aside_job *job)
{
	int err;

	assert(!aside_is_busy(aside));
	aside->job = *job;
	aside->state = WORKING; /* no thread looks yet */
	err = start_thread(aside);
	if (err)
		aside->state = IDLE;
	return err;
}
