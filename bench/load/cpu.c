/* Keeps a processor busy in one of several ways; prints how often a second it was done. */
/* SPDX-License-Identifier: Apache-2.0
 *
 * usage: cpu compute|memory|processes|switch SECONDS
 */
#define _GNU_SOURCE
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WORDS       4096
#define TABLE_BYTES (32u << 20)
#define CHILD_BYTES (1u << 20)
#define PAGE        4096u

static volatile uint64_t sink; /* so that no work is left out */
static uint8_t *table;

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int compare(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return (left > right) - (left < right);
}

/* Integers and branches, in the cache: words are made, hashed and sorted. */
static void compute(void)
{
	static uint32_t words[WORDS];
	uint32_t hash = 2166136261u;

	for (unsigned int i = 0; i < WORDS; i++) {
		hash = (hash ^ i) * 16777619u;
		words[i] = hash;
	}
	qsort(words, WORDS, sizeof(words[0]), compare);
	sink += words[WORDS / 2];
}

/* Reads and writes far apart: more pages than any TLB holds. */
static void memory(void)
{
	uint32_t place = 1;

	for (unsigned int i = 0; i < 4096; i++) {
		place = place * 1664525u + 1013904223u;
		table[place % TABLE_BYTES]++;
	}
	memcpy(table, table + TABLE_BYTES / 2, 1u << 18);
}

/* What a build is made of: a process that is born, touches fresh memory, computes, and ends. */
static void processes(void)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		err(1, "fork");
	if (child == 0) {
		uint8_t *fresh = mmap(NULL, CHILD_BYTES, PROT_READ | PROT_WRITE,
		                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (fresh == MAP_FAILED)
			_exit(1);
		for (uint32_t at = 0; at < CHILD_BYTES; at += PAGE)
			fresh[at] = 1;
		compute();
		_exit(0);
	}
	if (waitpid(child, &status, 0) != child || status)
		errx(1, "a child failed");
}

static int there[2], back[2];

static void start_partner(void)
{
	char byte;

	if (pipe(there) || pipe(back))
		err(1, "pipe");
	if (fork())
		return;
	close(there[1]); /* the end of the first process ends this one */
	while (read(there[0], &byte, 1) == 1 && write(back[1], &byte, 1) == 1)
		continue;
	_exit(0);
}

/* To another process and back. */
static void switch_twice(void)
{
	char byte = 0;

	if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
		err(1, "pipe");
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*work)(void);
	} kinds[] = { { "compute", compute },
		      { "memory", memory },
		      { "processes", processes },
		      { "switch", switch_twice } };

	if (argc != 3)
		errx(2, "usage: cpu compute|memory|processes|switch SECONDS");
	table = calloc(1, TABLE_BYTES);
	if (!table)
		errx(1, "no memory");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		uint64_t done = 0;
		double start;

		if (strcmp(argv[1], kinds[i].name) != 0)
			continue;
		if (kinds[i].work == switch_twice)
			start_partner();
		if (kinds[i].work == memory)
			memset(table, 1, TABLE_BYTES);
		start = now();
		do {
			kinds[i].work();
			done++;
		} while (now() < start + strtod(argv[2], NULL));
		printf("%.2f\n", (double)done / (now() - start));
		return 0;
	}
	errx(2, "no load is called %s", argv[1]);
}
