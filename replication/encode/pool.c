/* Encoding in parallel: batches go in, bodies come out in the same order, whoever of the threads is done first. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "replication/encode/pool.h"

struct worker {
	pthread_t thread;
	struct encoder *encoder;
	struct encode_pool *pool;
};

/* Counts of jobs since the start; popped <= taken <= pushed <= popped + slots. */
struct encode_pool {
	pthread_mutex_t lock; /* guards what follows, and is_done of jobs */
	pthread_cond_t work;
	uint64_t pushed, taken, popped;
	bool is_stopping;
	struct encode_job *ring[ENCODE_SLOTS_MAX];

	unsigned int slots, threads;
	int done; /* eventfd */
	struct worker workers[ENCODE_THREADS_MAX];
};

static struct encode_job *take(struct encode_pool *pool)
{
	struct encode_job *job = NULL;

	pthread_mutex_lock(&pool->lock);
	while (pool->taken == pool->pushed && !pool->is_stopping)
		pthread_cond_wait(&pool->work, &pool->lock);
	if (!pool->is_stopping)
		job = pool->ring[pool->taken++ % pool->slots];
	pthread_mutex_unlock(&pool->lock);
	return job;
}

static void finish(struct encode_pool *pool, struct encode_job *job)
{
	const uint64_t one = 1;

	pthread_mutex_lock(&pool->lock);
	job->is_done = true;
	pthread_mutex_unlock(&pool->lock);
	/* It cannot fail: its counter never comes near the end. */
	if (write(pool->done, &one, sizeof(one)) != sizeof(one))
		abort();
}

static void *run(void *argument)
{
	struct worker *worker = argument;
	struct encode_job *job;

	while ((job = take(worker->pool))) {
		memset(&job->counts, 0, sizeof(job->counts));
		job->size = encode_batch(worker->encoder, job->pages, job->count, job->body,
		                         &job->counts);
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

static int start_worker(struct encode_pool *pool, uint32_t codecs)
{
	struct worker *worker = &pool->workers[pool->threads];
	int err;

	worker->pool = pool;
	worker->encoder = encoder_new(codecs);
	if (!worker->encoder)
		return -ENOMEM;
	err = start_thread(worker);
	if (err) {
		encoder_free(worker->encoder);
		return err;
	}
	pool->threads++;
	return 0;
}

struct encode_pool *encode_pool_new(unsigned int threads, unsigned int slots, uint32_t codecs)
{
	struct encode_pool *pool = calloc(1, sizeof(*pool));

	assert(threads > 0 && threads <= ENCODE_THREADS_MAX);
	assert(slots > 0 && slots <= ENCODE_SLOTS_MAX);
	if (!pool)
		return NULL;
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->work, NULL);
	pool->slots = slots;
	pool->done = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	while (pool->done >= 0 && pool->threads < threads) {
		if (start_worker(pool, codecs) != 0)
			break;
	}
	if (pool->threads < threads) {
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
	if (pool->done >= 0)
		close(pool->done);
	pthread_cond_destroy(&pool->work);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

int encode_pool_push(struct encode_pool *pool, struct encode_job *job)
{
	int err = -EAGAIN;

	assert(job->count <= WIRE_PAGES_MAX);
	pthread_mutex_lock(&pool->lock);
	if (pool->pushed - pool->popped < pool->slots) {
		job->is_done = false;
		pool->ring[pool->pushed++ % pool->slots] = job;
		pthread_cond_signal(&pool->work);
		err = 0;
	}
	pthread_mutex_unlock(&pool->lock);
	return err;
}

static struct encode_job *take_oldest(struct encode_pool *pool)
{
	struct encode_job *job = NULL;

	pthread_mutex_lock(&pool->lock);
	if (pool->popped < pool->taken && pool->ring[pool->popped % pool->slots]->is_done)
		job = pool->ring[pool->popped++ % pool->slots];
	pthread_mutex_unlock(&pool->lock);
	return job;
}

/* The descriptor is cleared before the last look, so that what is done in between sets it again. */
struct encode_job *encode_pool_pop(struct encode_pool *pool)
{
	struct encode_job *job = take_oldest(pool);
	uint64_t count;

	if (job)
		return job;
	if (read(pool->done, &count, sizeof(count)) < 0)
		return NULL;
	return take_oldest(pool);
}

int encode_pool_descriptor(const struct encode_pool *pool)
{
	return pool->done;
}
