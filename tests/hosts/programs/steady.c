/* What must not notice that its machine was exchanged: memory patterns, the monotonic clock, a TCP echo of numbers. */
/* SPDX-License-Identifier: Apache-2.0
 *
 * usage: steady MIB THREADS FILE [PAUSE]     FILE has one line, written anew each second: "ok ..." or "FAILED ..."
 *
 * Each thread owns a part of the memory: it picks a page, checks that it is as it was left, and leaves it otherwise; then it
 * sleeps for PAUSE microseconds, if that is given.
 * Between two pages it looks at the clock, which is never before what any thread has read. Connections to port 7000
 * send numbers of 8 bytes that count from 0, and get each of them back.
 */
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PAGE    4096
#define WORDS   (PAGE / sizeof(uint64_t))
#define PORT    7000
#define SECOND  1000000000L
#define FACTOR  0x9e3779b97f4a7c15UL
#define NUMBERS 512 /* taken at once */

struct part {
	pthread_t thread;
	uint64_t *memory, *left; /* pages; what each was left with */
	uint64_t pages, seed, rounds;
};

static useconds_t pause_us;
static struct part *parts;
static int part_count;
static uint64_t last_seen, echoed; /* by all threads */
static uint64_t longest_gap;
static char failure[200];

static void fail(const char *what, uint64_t wanted, uint64_t got)
{
	if (!__atomic_load_n(&failure[0], __ATOMIC_SEQ_CST))
		snprintf(failure, sizeof(failure), "%s: %#lx instead of %#lx", what, got, wanted);
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

static void watch_clock(void)
{
	uint64_t before = __atomic_load_n(&last_seen, __ATOMIC_SEQ_CST);
	uint64_t time = now();

	if (time < before)
		fail("clock", before, time);
	if (before && time > before && time - before > longest_gap)
		longest_gap = time - before;
	while (time > before && !__atomic_compare_exchange_n(&last_seen, &before, time, 0,
	                                                     __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		;
}

static void fill(uint64_t *page, uint64_t with)
{
	for (unsigned i = 0; i < WORDS; i++)
		page[i] = (with + i) * FACTOR;
}

static void check(const uint64_t *page, uint64_t with)
{
	for (unsigned i = 0; i < WORDS; i++)
		if (page[i] != (with + i) * FACTOR)
			fail("memory", (with + i) * FACTOR, page[i]);
}

static uint64_t next(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005UL + 1442695040888963407UL;
	return *seed >> 33;
}

static void *keep_pages(void *argument)
{
	struct part *part = argument;

	for (;;) {
		uint64_t page = next(&part->seed) % part->pages;

		check(part->memory + page * WORDS, part->left[page]);
		part->left[page] = next(&part->seed);
		fill(part->memory + page * WORDS, part->left[page]);
		watch_clock();
		part->rounds++;
		if (pause_us)
			usleep(pause_us);
	}
	return NULL;
}

static int read_all(int fd, uint64_t *numbers, size_t *count)
{
	size_t have = 0;

	/* At least one whole number. */
	do {
		ssize_t got = read(fd, (char *)numbers + have, NUMBERS * 8 - have);

		if (got <= 0)
			return -1;
		have += (size_t)got;
	} while (have % 8);
	*count = have / 8;
	return 0;
}

static int write_all(int fd, const uint64_t *numbers, size_t bytes)
{
	for (size_t done = 0; done < bytes;) {
		ssize_t put = write(fd, (const char *)numbers + done, bytes - done);

		if (put <= 0)
			return -1;
		done += (size_t)put;
	}
	return 0;
}

static void serve(int fd)
{
	static uint64_t numbers[NUMBERS];
	uint64_t expected = 0;
	size_t count;

	while (!read_all(fd, numbers, &count)) {
		for (size_t i = 0; i < count; i++, expected++)
			if (numbers[i] != expected)
				fail("stream", expected, numbers[i]);
		if (write_all(fd, numbers, count * 8))
			break;
		echoed += count;
	}
	close(fd);
}

static void *echo(void *argument)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd;

	(void)argument;
	if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof(address)) ||
	    listen(listener, 4))
		fail("listen", 0, (uint64_t)errno);
	while ((fd = accept(listener, NULL, NULL)) >= 0)
		serve(fd);
	return NULL;
}

static void start(struct part *part, uint64_t pages, uint64_t number)
{
	*part = (struct part){ .pages = pages, .seed = number + 1 };
	part->memory = aligned_alloc(PAGE, pages * PAGE);
	part->left = malloc(pages * sizeof(*part->left));
	if (!part->memory || !part->left)
		exit(3);
	for (uint64_t i = 0; i < pages; i++) {
		part->left[i] = next(&part->seed);
		fill(part->memory + i * WORDS, part->left[i]);
	}
	if (pthread_create(&part->thread, NULL, keep_pages, part))
		exit(3);
}

static void report(const char *path)
{
	char other[256];
	uint64_t rounds = 0;
	FILE *file;

	for (int i = 0; i < part_count; i++)
		rounds += parts[i].rounds;
	snprintf(other, sizeof(other), "%s.new", path);
	file = fopen(other, "w");
	if (!file)
		return;
	fprintf(file, "%s %s, %lu pages checked, %lu numbers, gap %lu ms\n",
	        failure[0] ? "FAILED" : "ok", failure, rounds, echoed, longest_gap / 1000000);
	fclose(file);
	rename(other, path);
}

int main(int argc, char **argv)
{
	pthread_t server;

	if (argc < 4 || argc > 5 || atoi(argv[1]) < 1 || atoi(argv[2]) < 1) {
		fprintf(stderr, "usage: steady MIB THREADS FILE [PAUSE]\n");
		return 2;
	}
	part_count = atoi(argv[2]);
	pause_us = argc > 4 ? (useconds_t)atoi(argv[4]) : 0;
	parts = calloc((size_t)part_count, sizeof(*parts));
	for (int i = 0; i < part_count; i++)
		start(&parts[i], (uint64_t)atoi(argv[1]) * 256 / (uint64_t)part_count, (uint64_t)i);
	if (pthread_create(&server, NULL, echo, NULL))
		return 3;
	for (;;) {
		report(argv[3]);
		sleep(1);
	}
}
