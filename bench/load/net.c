/* A stream of bytes by TCP, or small questions and answers: bytes a second, or microseconds a round trip. */
/* SPDX-License-Identifier: Apache-2.0
 *
 * usage: net serve PORT                      swallow streams and answer questions, for ever
 *        net stream ADDRESS PORT SECONDS     prints bytes a second, until the last byte was swallowed
 *        net ask ADDRESS PORT SECONDS        prints microseconds from a question to its answer: the median, and what 1 % exceed
 *
 * The first byte of a connection says what it is for.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define STREAM    's'
#define QUESTION  'q'
#define TRIPS_MAX 1000000
#define PIECE     (64 * 1024)

static char piece[PIECE];

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static struct sockaddr_in address_of(const char *host, const char *port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
	};

	if (host && inet_pton(AF_INET, host, &address.sin_addr) != 1)
		errx(2, "%s is not an address", host);
	return address;
}

static void answer(int peer)
{
	char byte;
	int one = 1;

	setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (read(peer, &byte, 1) != 1)
		return;
	if (byte == STREAM) {
		while (read(peer, piece, PIECE) > 0)
			continue;
		return;
	}
	while (read(peer, &byte, 1) == 1 && write(peer, &byte, 1) == 1)
		continue;
}

static void serve(const char *port)
{
	struct sockaddr_in address = address_of(NULL, port);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int one = 1;

	signal(SIGPIPE, SIG_IGN);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 4))
		err(1, "port %s", port);
	while (1) {
		int peer = accept(listener, NULL, NULL);

		if (peer < 0)
			err(1, "accept");
		answer(peer);
		close(peer);
	}
}

static int reach(const char *host, const char *port, char purpose)
{
	struct sockaddr_in address = address_of(host, port);
	int peer = socket(AF_INET, SOCK_STREAM, 0);
	int one = 1;

	setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(peer, (struct sockaddr *)&address, sizeof(address)) ||
	    write(peer, &purpose, 1) != 1)
		err(1, "%s port %s", host, port);
	return peer;
}

static void stream(int peer, double seconds)
{
	double start = now();
	uint64_t sent = 0;

	while (now() < start + seconds) {
		ssize_t took = write(peer, piece, PIECE);

		if (took < 0)
			err(1, "write");
		sent += (uint64_t)took;
	}
	/* The other end closes when it has read everything. */
	shutdown(peer, SHUT_WR);
	if (read(peer, piece, 1) != 0)
		errx(1, "the stream was cut");
	printf("%.0f\n", (double)sent / (now() - start));
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static void ask(int peer, double seconds)
{
	static double trips[TRIPS_MAX];
	double end = now() + seconds;
	size_t count = 0;

	while (now() < end && count < TRIPS_MAX) {
		double start = now();

		if (write(peer, piece, 1) != 1 || read(peer, piece, 1) != 1)
			err(1, "no answer");
		trips[count++] = now() - start;
	}
	qsort(trips, count, sizeof(trips[0]), compare);
	printf("%.1f %.1f\n", trips[count / 2] * 1e6, trips[count * 99 / 100] * 1e6);
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "serve") == 0)
		serve(argv[2]);
	else if (argc == 5 && strcmp(argv[1], "stream") == 0)
		stream(reach(argv[2], argv[3], STREAM), strtod(argv[4], NULL));
	else if (argc == 5 && strcmp(argv[1], "ask") == 0)
		ask(reach(argv[2], argv[3], QUESTION), strtod(argv[4], NULL));
	else
		errx(2, "usage: net serve PORT | stream|ask ADDRESS PORT SECONDS");
	return 0;
}
