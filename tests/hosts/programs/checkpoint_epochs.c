/* Captures a guest epoch after epoch: into a shadow whose memory is compared, or only to measure. */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checkpoint_epochs mirror DOMID SECONDS MILLISECONDS   a shadow has the same memory after each epoch
 *                   pace DOMID SECONDS MILLISECONDS     the pages are fetched and dropped
 *                   twins DOMID SECONDS MILLISECONDS    the same, with old versions
 *                   fight DOMID SECONDS                 two processes want it at once
 * SIGTERM ends it early, in good order. Says "begun" on stderr when all memory was taken once. Prints a line of figures; exit status 0: all was as
 * it should be, or the guest was destroyed meanwhile.
 */
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "checkpoint.h"

#define EPOCHS_MAX 100000
#define EPOCHS_MIN 10 /* of a mirror, however slow the machine is */
#define TWINS      8192
#define TWINS_ALL  24576 /* without a shadow there is memory for more */

static uint64_t pauses[EPOCHS_MAX], dirty[EPOCHS_MAX];
static unsigned epochs;
static uint64_t fetched, fetching;
static xc_interface *xc;
static uint16_t shadow; /* 0: none */
static volatile sig_atomic_t is_ending;

static void on_signal(int number)
{
	(void)number;
	is_ending = 1;
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static uint64_t quantile(uint64_t *values, double share)
{
	return epochs ? values[(unsigned)((epochs - 1) * share)] : 0;
}

static void end_shadow(void)
{
	if (shadow)
		xc_domain_destroy(xc, shadow);
}

static void report(void)
{
	qsort(pauses, epochs, sizeof(*pauses), compare);
	qsort(dirty, epochs, sizeof(*dirty), compare);
	printf("epochs %u pause_p50 %lu pause_p99 %lu pause_max %lu dirty_p50 %lu dirty_max %lu "
	       "fetched %lu fetching %lu\n",
	       epochs, quantile(pauses, 0.5), quantile(pauses, 0.99), quantile(pauses, 1),
	       quantile(dirty, 0.5), quantile(dirty, 1), fetched, fetching);
}

/* A guest that is destroyed ends the work, in good order. */
static void must(const char *what, long err)
{
	if (err == -ESRCH) {
		printf("the guest is gone\n");
		report();
		exit(0);
	}
	if (err) {
		printf("%s: %s, after %u epochs\n", what, strerror((int)-err), epochs);
		exit(1);
	}
}

static long drain(uint16_t domain)
{
	uint64_t start = now();
	uint32_t count = 1;
	long err = 0;

	while (!err && count) {
		err = fetch(domain, CHECKPOINT_PAGES_MAX, &count);
		fetched += count;
	}
	fetching += now() - start;
	return err;
}

static void compare_hashes(uint16_t domain)
{
	struct checkpoint_hash sums[2];
	long err = hash(domain, &sums[0]);

	if (err == -ENODATA) /* more was written than there are twins: nothing to compare with */
		return;
	must("hash", err);
	must("hash of the shadow", hash(shadow, &sums[1]));
	if (!same(&sums[0], &sums[1])) {
		printf("epoch %u: %lu pages, shadow %lu; the memory differs\n", epochs,
		       (unsigned long)sums[0].pages, (unsigned long)sums[1].pages);
		exit(1);
	}
}

static void run(uint16_t domain, uint64_t seconds, uint64_t interval, uint32_t flags)
{
	struct checkpoint_cut result;
	uint32_t count;
	uint64_t end;

	must("attach", attach(domain, shadow ? TWINS : TWINS_ALL, flags));
	must("the first pages", shadow ? mirror(domain, shadow, &count) : drain(domain));
	fprintf(stderr, "begun\n");
	end = now() + seconds * 1000000000u;
	fetched = fetching = 0;
	while (!is_ending && (now() < end || (shadow && epochs < EPOCHS_MIN)) &&
	       epochs < EPOCHS_MAX) {
		usleep((useconds_t)interval * 1000);
		must("cut", cut(domain, &result));
		pauses[epochs] = result.pause;
		dirty[epochs++] = result.dirty;
		if (!shadow) {
			must("fetch", drain(domain));
			continue;
		}
		must("mirror", mirror(domain, shadow, &count));
		compare_hashes(domain);
	}
	must("detach", detach(domain));
	report();
}

static int was_allowed(long err)
{
	return !err || err == -EBUSY || err == -ENODEV || err == -ENODATA;
}

/* One cuts and fetches, the other detaches and attaches: each is told that the other was first. */
static void fight(uint16_t domain, uint64_t seconds)
{
	uint64_t end = now() + seconds * 1000000000u;
	pid_t child = fork();
	unsigned long turns = 0, done = 0;
	int status;

	checkpoint_open();
	while (now() < end) {
		struct checkpoint_cut result;
		uint32_t count;
		long answers[2];

		if (child) {
			answers[0] = cut(domain, &result);
			answers[1] = fetch(domain, CHECKPOINT_PAGES_MAX, &count);
		} else {
			answers[0] = attach(domain, 64, CHECKPOINT_OLD_VERSIONS);
			usleep(3000);
			answers[1] = detach(domain);
		}
		for (int i = 0; i < 2; i++) {
			done += !answers[i];
			if (was_allowed(answers[i]))
				continue;
			printf("%s: %s\n", child ? "fetcher" : "detacher",
			       strerror((int)-answers[i]));
			exit(1);
		}
		turns++;
	}
	if (!child)
		exit(done == 0);
	waitpid(child, &status, 0);
	detach(domain);
	printf("turns %lu done %lu\n", turns, done);
	if (status || !done)
		exit(1);
}

int main(int argc, char **argv)
{
	const char *mode = argc >= 4 ? argv[1] : "";
	uint16_t domain = argc >= 4 ? (uint16_t)atoi(argv[2]) : 0;
	uint64_t seconds = argc >= 4 ? strtoull(argv[3], NULL, 10) : 0;
	uint64_t interval = argc == 5 ? strtoull(argv[4], NULL, 10) : 0;

	xc = xc_interface_open(NULL, NULL, 0);
	if (!xc || !domain)
		return 2;
	if (!strcmp(mode, "fight")) {
		fight(domain, seconds);
		return 0;
	}
	signal(SIGTERM, on_signal);
	checkpoint_open();
	atexit(end_shadow);
	if (!strcmp(mode, "mirror"))
		shadow = make_shadow(xc, domain);
	run(domain, seconds, interval, strcmp(mode, "pace") ? CHECKPOINT_OLD_VERSIONS : 0);
	return 0;
}
