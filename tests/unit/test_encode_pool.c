/* Batches encoded by several threads: the same bytes in the same order as by one. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: replication/encode/pool.c replication/encode/encode.c replication/encode/lines.c */
/* libs: -llz4 -lxxhash -lpthread */

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "replication/encode/pool.h"

#define JOBS  200u
#define SLOTS 8u

static uint8_t memory[WIRE_PAGES_MAX][WIRE_PAGE_SIZE];

static void fill(void)
{
	uint64_t seed = 5;

	for (uint32_t i = 0; i < sizeof(memory) / 8; i++) {
		uint64_t word;

		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		word = i % 1024 < 512 ? seed : seed >> 58;
		memcpy((uint8_t *)memory + i * 8, &word, 8);
	}
}

/* Batches differ in size, so that later ones are done first. */
static struct encode_job *make_job(uint32_t number)
{
	struct encode_job *job = calloc(1, sizeof(*job));

	job->body = malloc(ENCODE_BODY_MAX);
	job->count = 1 + number * 37 % WIRE_PAGES_MAX;
	for (uint32_t i = 0; i < job->count; i++)
		job->pages[i] = (struct encode_page){
			.gfn = number, .contents = memory[(i + number) % WIRE_PAGES_MAX]
		};
	return job;
}

static void free_job(struct encode_job *job)
{
	free(job->body);
	free(job);
}

static void check_and_free(struct encode_job *job, uint32_t number, struct encoder *encoder)
{
	static uint8_t body[ENCODE_BODY_MAX];
	struct encode_counts counts = { 0 };
	uint32_t size = encode_batch(encoder, job->pages, job->count, body, &counts);

	assert_int_equal(job->pages[0].gfn, number);
	assert_int_equal(job->size, size);
	assert_memory_equal(job->body, body, size);
	assert_memory_equal(&job->counts, &counts, sizeof(counts));
	free_job(job);
}

static struct encode_job *wait_pop(struct encode_pool *pool)
{
	struct pollfd fd = { .fd = encode_pool_descriptor(pool), .events = POLLIN };
	struct encode_job *job;

	while (!(job = encode_pool_pop(pool)))
		assert_true(poll(&fd, 1, 20000) == 1);
	return job;
}

static void run(unsigned int threads)
{
	struct encode_pool *pool = encode_pool_new(threads, SLOTS, WIRE_CODECS);
	struct encoder *encoder = encoder_new(WIRE_CODECS);
	uint32_t pushed = 0, popped = 0;
	struct encode_job *job = make_job(0);

	assert_non_null(pool);
	while (popped < JOBS) {
		while (pushed < JOBS && encode_pool_push(pool, job) == 0)
			job = make_job(++pushed);
		assert_true(pushed - popped <= SLOTS);
		check_and_free(wait_pop(pool), popped++, encoder);
	}
	assert_null(encode_pool_pop(pool));
	free_job(job);
	encoder_free(encoder);
	encode_pool_free(pool);
}

static void the_order_is_kept(void **state)
{
	(void)state;
	fill();
	run(1);
	run(2);
	run(5);
}

static void a_full_pool_says_so(void **state)
{
	struct encode_pool *pool = encode_pool_new(1, 2, WIRE_CODECS);
	struct encode_job *jobs[3] = { make_job(0), make_job(1), make_job(2) };

	(void)state;
	assert_int_equal(encode_pool_push(pool, jobs[0]), 0);
	assert_int_equal(encode_pool_push(pool, jobs[1]), 0);
	assert_int_equal(encode_pool_push(pool, jobs[2]), -EAGAIN);
	assert_ptr_equal(wait_pop(pool), jobs[0]);
	assert_int_equal(encode_pool_push(pool, jobs[2]), 0);
	/* It can be left with work in it. */
	encode_pool_free(pool);
	for (int i = 0; i < 3; i++)
		free_job(jobs[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_order_is_kept),
		cmocka_unit_test(a_full_pool_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
