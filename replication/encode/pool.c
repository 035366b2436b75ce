/* Encoding by several threads: batches go in, bodies come out in the same order, whoever of the threads is done first. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "replication/encode/pool.h"

struct worker {
	pthread_t thread;
	struct encoder *encoder;
	struct encode_pool *pool;
};

/* Jobs are counted since the start: popped <= taken <= pushed <= popped + room. */
struct encode_pool {
	pthread_mutex_t lock; /* guards what follows, and is_done of jobs */
	pthread_cond_t work, idle;
	uint64_t pushed, taken,
		popped;    /* pushed and popped are written by the loop's thread alone */
	unsigned int busy; /* threads with a job */
	bool is_stopping;

	struct encode_pool_settings settings;
	unsigned int room, threads; /* threads: that were started */
	struct encoder *encoder;    /* for what is encoded without one */
	struct encode_job jobs[ENCODE_JOBS(ENCODE_THREADS_MAX)];
	struct worker workers[ENCODE_THREADS_MAX];
};

static void encode(struct encoder *encoder, struct encode_job *job)
{
	memset(&job->counts, 0, sizeof(job->counts));
	job->size = encode_batch(encoder, job->pages, job->count, job->body, &job->counts);
}

/* --- the threads --- */

/* NULL: it is time to end. */
static struct encode_job *take(struct encode_pool *pool)
{
	struct encode_job *job = NULL;

	pthread_mutex_lock(&pool->lock);
	while (pool->taken == pool->pushed && !pool->is_stopping)
		pthread_cond_wait(&pool->work, &pool->lock);
	if (!pool->is_stopping) {
		job = &pool->jobs[pool->taken++ % pool->room];
		pool->busy++;
	}
	pthread_mutex_unlock(&pool->lock);
	return job;
}

/* Only the oldest is worth telling: the others cannot be popped before it. */
static void finish(struct encode_pool *pool, struct encode_job *job)
{
	bool is_oldest;

	pthread_mutex_lock(&pool->lock);
	job->is_done = true;
	is_oldest = job == &pool->jobs[pool->popped % pool->room];
	if (--pool->busy == 0)
		pthread_cond_signal(&pool->idle);
	pthread_mutex_unlock(&pool->lock);
	if (is_oldest && pool->settings.done)
		pool->settings.done(pool->settings.data);
}

static void *run(void *argument)
{
	struct worker *worker = argument;
	struct encode_job *job;

	while ((job = take(worker->pool))) {
		encode(worker->encoder, job);
		finish(worker->pool, job);
	}
	return NULL;
}

/* Signals are the loop's. */
static int start_thread(struct worker *worker)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&worker->thread, NULL, run, worker);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -err;
}

static bool start_worker(struct encode_pool *pool)
{
	struct worker *worker = &pool->workers[pool->threads];

	worker->pool = pool;
	worker->encoder = encoder_new(pool->settings.codecs);
	if (!worker->encoder)
		return false;
	if (start_thread(worker) != 0) {
		encoder_free(worker->encoder);
		return false;
	}
	pool->threads++;
	return true;
}

/* --- the loop's side --- */

static bool make_jobs(struct encode_pool *pool)
{
	for (unsigned int i = 0; i < pool->room; i++) {
		pool->jobs[i].body = malloc(ENCODE_BODY_MAX);
		if (!pool->jobs[i].body)
			return false;
	}
	pool->encoder = encoder_new(pool->settings.codecs);
	return pool->encoder != NULL;
}

struct encode_pool *encode_pool_new(const struct encode_pool_settings *settings)
{
	struct encode_pool *pool = calloc(1, sizeof(*pool));
	bool is_made;

	assert(settings->threads <= ENCODE_THREADS_MAX);
	if (!pool)
		return NULL;
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->work, NULL);
	pthread_cond_init(&pool->idle, NULL);
	pool->settings = *settings;
	pool->room = ENCODE_JOBS(settings->threads);
	is_made = make_jobs(pool);
	while (is_made && pool->threads < settings->threads)
		is_made = start_worker(pool);
	if (!is_made) {
		encode_pool_free(pool);
		return NULL;
	}
	return pool;
}

void encode_pool_free(struct encode_pool *pool)
{
	if (!pool)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->is_stopping = true;
	pthread_cond_broadcast(&pool->work);
	pthread_mutex_unlock(&pool->lock);
	for (unsigned int i = 0; i < pool->threads; i++) {
		pthread_join(pool->workers[i].thread, NULL);
		encoder_free(pool->workers[i].encoder);
	}
	for (unsigned int i = 0; i < pool->room; i++)
		free(pool->jobs[i].body);
	encoder_free(pool->encoder);
	pthread_cond_destroy(&pool->idle);
	pthread_cond_destroy(&pool->work);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

bool encode_pool_is_empty(const struct encode_pool *pool)
{
	return pool->pushed == pool->popped;
}

struct encode_job *encode_pool_vacant(struct encode_pool *pool)
{
	return pool->pushed - pool->popped < pool->room ? &pool->jobs[pool->pushed % pool->room]
	                                                : NULL;
}

/* No thread has a job then, nor takes this one. */
static void push_done(struct encode_pool *pool, struct encode_job *job)
{
	encode(pool->encoder, job);
	pthread_mutex_lock(&pool->lock);
	job->is_done = true;
	pool->pushed++;
	pool->taken++;
	pthread_mutex_unlock(&pool->lock);
}

void encode_pool_push(struct encode_pool *pool)
{
	struct encode_job *job = encode_pool_vacant(pool);

	assert(job && job->count <= WIRE_PAGES_MAX);
	if (!pool->threads || (encode_pool_is_empty(pool) && job->count <= pool->settings.alone)) {
		push_done(pool, job);
		return;
	}
	pthread_mutex_lock(&pool->lock);
	job->is_done = false;
	pool->pushed++;
	pthread_cond_signal(&pool->work);
	pthread_mutex_unlock(&pool->lock);
}

struct encode_job *encode_pool_pop(struct encode_pool *pool)
{
	struct encode_job *job = NULL;

	pthread_mutex_lock(&pool->lock);
	if (pool->popped < pool->taken && pool->jobs[pool->popped % pool->room].is_done)
		job = &pool->jobs[pool->popped++ % pool->room];
	pthread_mutex_unlock(&pool->lock);
	return job;
}

void encode_pool_cancel(struct encode_pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	pool->pushed = pool->taken;
	while (pool->busy)
		pthread_cond_wait(&pool->idle, &pool->lock);
	pool->popped = pool->pushed;
	pthread_mutex_unlock(&pool->lock);
}
