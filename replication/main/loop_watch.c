/* How long the handlers of a loop keep it from waiting. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/main/loop_watch.h"

#include <stdint.h>
#include <time.h>

#include "common/log.h"

/* Time that passed is not enough: a busy machine takes the processor away from us. */
static struct {
	uint64_t rounds, slow;
	uint64_t longest_us, longest_cpu_us;
} seen;

static uint64_t now_us(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void invoke(struct ev_loop *loop)
{
	uint64_t start = now_us(CLOCK_MONOTONIC);
	uint64_t start_cpu = now_us(CLOCK_THREAD_CPUTIME_ID);
	uint64_t took;

	ev_invoke_pending(loop);
	took = now_us(CLOCK_MONOTONIC) - start;
	seen.rounds++;
	seen.slow += took > LOOP_WATCH_SLOW_MS * 1000;
	if (took > seen.longest_us) {
		seen.longest_us = took;
		seen.longest_cpu_us = now_us(CLOCK_THREAD_CPUTIME_ID) - start_cpu;
	}
}

void loop_watch_start(struct ev_loop *loop)
{
	ev_set_invoke_pending_cb(loop, invoke);
}

void loop_watch_report(void)
{
	log_info("loop: %llu rounds, %llu over %d ms, longest %llu us of which %llu us on the CPU",
	         (unsigned long long)seen.rounds, (unsigned long long)seen.slow, LOOP_WATCH_SLOW_MS,
	         (unsigned long long)seen.longest_us, (unsigned long long)seen.longest_cpu_us);
}
