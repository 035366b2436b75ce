/* remus-bounce: mirrors a running guest into a paused shadow on this host, which may then take its place. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/log.h"
#include "replication/main/mirror.h"
#include "replication/main/take_over.h"
#include "replication/estate/shadow.h"

static const char usage[] =
	"usage: remus-bounce [OPTIONS] GUEST\n"
	"Mirrors a guest (name or domid) into a shadow on this host, epoch after epoch.\n"
	"  --epochs N      that many, then end; default 10\n"
	"  --interval MS   between two cuts; default 25\n"
	"  --twins PAGES   which the hypervisor may keep aside; default 16384\n"
	"  --check         after each epoch compare hashes of both memories\n"
	"  --verbose       tell each epoch\n"
	"  --take-over     then end the guest and have the shadow go on in its place\n"
	"Otherwise the shadow is destroyed at the end. Status: 0 done; 1 failed; 2 misused.\n";

struct options {
	const char *guest;
	unsigned int epochs, interval, twins;
	int is_checking, is_taking_over, is_verbose;
};

static volatile sig_atomic_t is_ending;

static void on_signal(int number)
{
	(void)number;
	is_ending = 1;
}

/* A number from least to most, or misuse. */
static int parse_number(const char *text, unsigned int least, unsigned int most,
                        unsigned int *number)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || value < least || value > most)
		return -EINVAL;
	*number = (unsigned int)value;
	return 0;
}

static int parse(int argc, char **argv, struct options *options)
{
	static const struct option longs[] = {
		{ "epochs", required_argument, NULL, 'e' },
		{ "interval", required_argument, NULL, 'i' },
		{ "twins", required_argument, NULL, 't' },
		{ "check", no_argument, NULL, 'c' },
		{ "take-over", no_argument, NULL, 'o' },
		{ "verbose", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	int err = 0, option;

	*options = (struct options){ .epochs = 10, .interval = 25, .twins = 16384 };
	while (!err && (option = getopt_long(argc, argv, "", longs, NULL)) >= 0) {
		if (option == 'e')
			err = parse_number(optarg, 0, 1000000000, &options->epochs);
		else if (option == 'i')
			err = parse_number(optarg, 0, 60000, &options->interval);
		else if (option == 't')
			err = parse_number(optarg, 0, CHECKPOINT_TWINS_MAX, &options->twins);
		else if (option == 'c')
			options->is_checking = 1;
		else if (option == 'o')
			options->is_taking_over = 1;
		else if (option == 'v')
			options->is_verbose = 1;
		else
			err = -EINVAL;
	}
	if (err || optind != argc - 1)
		return -EINVAL;
	options->guest = argv[optind];
	return 0;
}

static void wait_interval(unsigned int milliseconds)
{
	const struct timespec time = { milliseconds / 1000, milliseconds % 1000 * 1000000L };

	nanosleep(&time, NULL);
}

static int run_epochs(struct mirror *mirror, const struct options *options)
{
	int err = mirror_first(mirror);

	for (unsigned int i = 0; !err && !is_ending && i < options->epochs; i++) {
		wait_interval(options->interval);
		err = mirror_epoch(mirror);
		if (!err && options->is_checking)
			err = mirror_check(mirror);
	}
	return err;
}

static int bounce(struct shadow *shadow, const struct options *options, int *is_kept)
{
	const struct capture_limits limits = {
		.twins = options->twins,
		.batch_pages = CHECKPOINT_PAGES_MAX,
		.batches = 1,
		.wants_old = options->is_checking,
	};
	struct mirror mirror;
	int err = shadow_create(shadow);

	if (!err)
		err = mirror_open(&mirror, (uint16_t)shadow->source, (uint16_t)shadow->domid,
		                  &limits);
	if (err)
		return err;
	err = run_epochs(&mirror, options);
	if (!err && !is_ending && options->is_taking_over)
		err = take_over(shadow, &mirror, options->is_checking, is_kept);
	mirror_report(&mirror);
	mirror_close(&mirror);
	return err;
}

int main(int argc, char **argv)
{
	struct options options;
	struct shadow shadow;
	int err, is_kept = 0;

	if (parse(argc, argv, &options)) {
		fputs(usage, stderr);
		return 2;
	}
	log_open("remus-bounce", options.is_verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	err = shadow_open(&shadow, options.guest);
	if (err)
		return 1;
	err = bounce(&shadow, &options, &is_kept);
	shadow_close(&shadow, is_kept);
	return err ? 1 : 0;
}
