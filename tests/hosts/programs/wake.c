/* How late a sleeper wakes: sleeps a millisecond many times, prints median and 99th percentile. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SAMPLES_MAX 100000
#define INTERVAL_NS 1000000
#define SECOND_NS   1000000000L

static int64_t samples[SAMPLES_MAX];

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * SECOND_NS + t.tv_nsec;
}

static int64_t sleep_once(void)
{
	int64_t end = now() + INTERVAL_NS;
	struct timespec t = { .tv_sec = end / SECOND_NS, .tv_nsec = end % SECOND_NS };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
	return now() - end;
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	int count = argc == 2 ? atoi(argv[1]) : 0;

	if (count < 1 || count > SAMPLES_MAX) {
		fprintf(stderr, "usage: wake COUNT, at most %d\n", SAMPLES_MAX);
		return 2;
	}
	for (int i = 0; i < count; i++)
		samples[i] = sleep_once();
	qsort(samples, count, sizeof(samples[0]), compare);
	printf("median %ld us, p99 %ld us\n", (long)samples[count / 2] / 1000,
	       (long)samples[count * 99 / 100] / 1000);
	return 0;
}
