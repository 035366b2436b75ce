/* Batches encoded by several threads, with an encoder that is as slow as the test says: order, what is dropped, failures. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/encode/pool.c */
/* libs: -lpthread */

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "replication/encode/pool.h"

#define BATCHES 400u

/* --- an encoder: the body of a batch is its number; it is done when its gate is open --- */

struct encoder {
	int unused;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool is_shut[BATCHES];
static unsigned int begun, ended;
static bool is_here; /* the last batch was encoded by the pushing thread */
static pthread_t pusher;
static int encoders, fail_at;

struct encoder *encoder_new(uint32_t codecs)
{
	assert_int_equal(codecs, WIRE_CODECS);
	return ++encoders == fail_at ? NULL : malloc(sizeof(struct encoder));
}

void encoder_free(struct encoder *encoder)
{
	free(encoder);
}

uint32_t encode_batch(struct encoder *encoder, const struct encode_page *pages, uint32_t count,
                      uint8_t *body, struct encode_counts *counts)
{
	uint64_t number = pages[0].gfn;

	(void)encoder;
	pthread_mutex_lock(&lock);
	begun++;
	is_here = pthread_equal(pthread_self(), pusher);
	pthread_cond_broadcast(&changed);
	while (is_shut[number])
		pthread_cond_wait(&changed, &lock);
	ended++;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	if (count % 7 == 0)
		usleep(300); /* others overtake it */
	memcpy(body, &number, sizeof(number));
	counts->unchanged += count;
	return sizeof(number);
}

static void set_gates(unsigned int count, bool shut)
{
	pthread_mutex_lock(&lock);
	for (unsigned int i = 0; i < count; i++)
		is_shut[i] = shut;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static void open_gate(unsigned int number)
{
	pthread_mutex_lock(&lock);
	is_shut[number] = false;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static void wait_for(const unsigned int *count, unsigned int least)
{
	pthread_mutex_lock(&lock);
	while (*count < least)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

/* --- the loop --- */

static sem_t told;

static void on_done(void *data)
{
	assert_ptr_equal(data, &told);
	sem_post(&told);
}

static struct encode_pool *open_pool(unsigned int threads, uint32_t alone)
{
	const struct encode_pool_settings settings = { .threads = threads,
		                                       .alone = alone,
		                                       .codecs = WIRE_CODECS,
		                                       .done = on_done,
		                                       .data = &told };

	return encode_pool_new(&settings);
}

static int set_up(void **state)
{
	(void)state;
	set_gates(BATCHES, false);
	begun = ended = 0;
	encoders = fail_at = 0;
	pusher = pthread_self();
	return sem_init(&told, 0, 0);
}

static bool push(struct encode_pool *pool, uint64_t number, uint32_t count)
{
	struct encode_job *job = encode_pool_vacant(pool);

	if (!job)
		return false;
	job->pages[0].gfn = number;
	job->count = count;
	encode_pool_push(pool);
	return true;
}

/* Until it is told that the oldest is done. */
static void sleep_loop(void)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 120;
	while (sem_timedwait(&told, &until) != 0)
		assert_int_equal(errno, EINTR);
}

static struct encode_job *wait_pop(struct encode_pool *pool)
{
	struct encode_job *job;

	while (!(job = encode_pool_pop(pool)))
		sleep_loop();
	return job;
}

static void assert_pops(struct encode_pool *pool, uint64_t number, uint32_t count)
{
	struct encode_job *job = wait_pop(pool);
	uint64_t got;

	assert_int_equal(job->size, sizeof(got));
	memcpy(&got, job->body, sizeof(got));
	assert_int_equal(got, number);
	assert_int_equal(job->counts.unchanged, count);
}

static void who_is_done_first_waits_for_its_turn(void **state)
{
	struct encode_pool *pool = open_pool(3, 0);

	(void)state;
	set_gates(3, true);
	for (uint64_t i = 0; i < 3; i++)
		assert_true(push(pool, i, 200));
	open_gate(2);
	wait_for(&ended, 1);
	assert_null(encode_pool_pop(pool));
	open_gate(0);
	assert_pops(pool, 0, 200);
	assert_null(encode_pool_pop(pool));
	assert_false(encode_pool_is_empty(pool));
	open_gate(1);
	assert_pops(pool, 1, 200);
	assert_pops(pool, 2, 200);
	assert_true(encode_pool_is_empty(pool));
	encode_pool_free(pool);
}

static void run(unsigned int threads)
{
	struct encode_pool *pool = open_pool(threads, 10);
	uint64_t pushed = 0, popped = 0;
	struct encode_job *job;

	while (popped < BATCHES) {
		while (pushed < BATCHES &&
		       push(pool, pushed, 1 + (uint32_t)pushed * 37 % WIRE_PAGES_MAX))
			pushed++;
		assert_true(pushed - popped <= ENCODE_JOBS(threads));
		job = wait_pop(pool);
		assert_int_equal(job->pages[0].gfn, popped);
		assert_memory_equal(job->body, &popped, sizeof(popped));
		popped++;
	}
	assert_true(encode_pool_is_empty(pool));
	assert_null(encode_pool_pop(pool));
	encode_pool_free(pool);
}

static void the_order_is_kept(void **state)
{
	(void)state;
	run(0);
	run(1);
	run(2);
	run(ENCODE_THREADS_MAX);
}

static void jobs_are_bounded(void **state)
{
	struct encode_pool *pool = open_pool(2, 0);

	(void)state;
	set_gates(BATCHES, true);
	for (uint64_t i = 0; i < ENCODE_JOBS(2); i++)
		assert_true(push(pool, i, 9));
	assert_false(push(pool, 9, 9));
	open_gate(0);
	assert_pops(pool, 0, 9);
	assert_true(push(pool, 9, 9));
	assert_false(push(pool, 10, 9));
	set_gates(BATCHES, false);
	/* It can be left with work in it. */
	encode_pool_free(pool);
}

static void small_batches_wake_nobody(void **state)
{
	struct encode_pool *pool = open_pool(2, 10);

	(void)state;
	assert_true(push(pool, 0, 10));
	assert_true(is_here);
	assert_pops(pool, 0, 10);
	assert_true(push(pool, 1, 11));
	/* Behind another one it would only wait for its turn. */
	assert_true(push(pool, 2, 10));
	assert_pops(pool, 1, 11);
	assert_pops(pool, 2, 10);
	assert_false(is_here);
	encode_pool_free(pool);
}

static void *open_later(void *argument)
{
	bool *is_open = argument;

	usleep(50000);
	__atomic_store_n(is_open, true, __ATOMIC_SEQ_CST);
	set_gates(BATCHES, false);
	return NULL;
}

/* In the midst of an epoch: two are with threads, two wait. Their pages may be freed when cancel returns. */
static void what_is_cancelled_never_comes(void **state)
{
	struct encode_pool *pool = open_pool(2, 0);
	bool is_open = false;
	pthread_t opener;

	(void)state;
	set_gates(BATCHES, true);
	for (uint64_t i = 0; i < 4; i++)
		assert_true(push(pool, i, 50));
	wait_for(&begun, 2);
	pthread_create(&opener, NULL, open_later, &is_open);
	encode_pool_cancel(pool);
	assert_true(__atomic_load_n(&is_open, __ATOMIC_SEQ_CST));
	assert_int_equal(begun, 2);
	assert_int_equal(ended, 2);
	pthread_join(opener, NULL);
	assert_true(encode_pool_is_empty(pool));
	assert_null(encode_pool_pop(pool));
	assert_true(push(pool, 100, 60));
	assert_pops(pool, 100, 60);
	assert_true(encode_pool_is_empty(pool));
	encode_pool_cancel(pool); /* of nothing */
	assert_int_equal(begun, 3);
	encode_pool_free(pool);
}

static void a_pool_that_cannot_be_is_not_made(void **state)
{
	struct encode_pool *pool;

	(void)state;
	for (fail_at = 1; fail_at <= 4; fail_at++) {
		encoders = 0;
		assert_null(open_pool(3, 0));
	}
	encoders = 0;
	pool = open_pool(3, 0);
	assert_non_null(pool);
	encode_pool_free(pool);
}

#define POOL_TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		POOL_TEST(who_is_done_first_waits_for_its_turn),
		POOL_TEST(the_order_is_kept),
		POOL_TEST(jobs_are_bounded),
		POOL_TEST(small_batches_wake_nobody),
		POOL_TEST(what_is_cancelled_never_comes),
		POOL_TEST(a_pool_that_cannot_be_is_not_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
