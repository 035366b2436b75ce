/* Works turn by turn, each timed by the TSC, which goes on while the guest stands: how many, how long, what gaps. */
/* SPDX-License-Identifier: Apache-2.0
 *
 * usage: turns SECONDS HERTZ PAGES MILLISECONDS
 *
 * A turn writes a word into each of PAGES pages, or computes for a moment if that is 0; a rest of so many
 * milliseconds follows. HERTZ is the TSC's; 0 measures it, which only an undisturbed guest can do. Prints
 * the TSC's frequency, turns a second, the median turn in nanoseconds, and of the turns that took at least
 * 200 us longer than the median: how many, by how many nanoseconds in the median, and at most.
 */
#define _GNU_SOURCE
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#define PAGE      4096u
#define TURNS_MAX (1u << 20)
#define STEPS     20000u /* of computing, in a turn */
#define GAP_NS    200000

static volatile uint64_t sink; /* so that no work is left out */
static uint64_t turns[TURNS_MAX];
static double hertz;

static uint64_t clock_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static double measure_hertz(void)
{
	uint64_t start = clock_ns(), ticks = __rdtsc();

	usleep(500000);
	ticks = __rdtsc() - ticks;
	return (double)ticks * 1e9 / (double)(clock_ns() - start);
}

static uint64_t nanoseconds(uint64_t ticks)
{
	return (uint64_t)((double)ticks * 1e9 / hertz);
}

static void turn(volatile uint8_t *memory, size_t pages)
{
	uint64_t hash = sink;

	for (size_t page = 0; page < pages; page++)
		memory[page * PAGE]++;
	for (unsigned int i = 0; !pages && i < STEPS; i++)
		hash = (hash ^ i) * 1099511628211u;
	sink = hash;
}

static int compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

static void report(size_t count, uint64_t ticks)
{
	uint64_t median, median_gap;
	size_t gaps = 0;

	qsort(turns, count, sizeof(turns[0]), compare);
	median = nanoseconds(turns[count / 2]);
	while (gaps < count && nanoseconds(turns[count - 1 - gaps]) >= median + GAP_NS)
		gaps++;
	median_gap = gaps ? nanoseconds(turns[count - 1 - gaps / 2]) - median : 0;
	printf("hertz %.0f rate %.3f turn %lu gaps %zu gap_p50 %lu gap_max %lu\n", hertz,
	       (double)count * hertz / (double)ticks, (unsigned long)median, gaps,
	       (unsigned long)median_gap,
	       (unsigned long)(gaps ? nanoseconds(turns[count - 1]) - median : 0));
}

int main(int argc, char **argv)
{
	double seconds = argc == 5 ? atof(argv[1]) : 0;
	size_t count = 0, pages = argc == 5 ? strtoul(argv[3], NULL, 10) : 0;
	unsigned int rest = argc == 5 ? (unsigned int)strtoul(argv[4], NULL, 10) * 1000 : 0;
	uint64_t start;
	uint8_t *memory;

	if (seconds <= 0)
		errx(2, "usage: turns SECONDS HERTZ PAGES MILLISECONDS");
	memory = mmap(NULL, (pages + 1) * PAGE, PROT_READ | PROT_WRITE,
	              MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (memory == MAP_FAILED)
		err(1, "memory");
	hertz = atof(argv[2]) > 0 ? atof(argv[2]) : measure_hertz();
	start = __rdtsc();
	do {
		uint64_t begin = __rdtsc();

		turn(memory, pages);
		turns[count++] = __rdtsc() - begin;
		if (rest)
			usleep(rest);
	} while (count < TURNS_MAX && (double)(__rdtsc() - start) < seconds * hertz);
	report(count, __rdtsc() - start);
	return 0;
}
