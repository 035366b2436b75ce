/* remus-watchdog: feeds the hypervisor's watchdog of dom0, as long as remusd wants it. */
/* SPDX-License-Identifier: Apache-2.0
 *
 *   remusd --- pipe ---> remus-watchdog --- every eighth of its time ---> hypervisor (SCHEDOP_watchdog)
 */

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xenctrl.h>

#include "common/log.h"
#include "replication/daemon/feeder.h"

static bool parse(const char *text, uint32_t most, uint32_t *number)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	*number = (uint32_t)value;
	return *text && !*end && *text != '-' && value <= most;
}

/* It runs when dom0 runs anything, also when that has other things to do. What it may not have it goes without. */
static void be_preferred(void)
{
	const struct sched_param first = { .sched_priority = 1 };

	mlockall(MCL_CURRENT | MCL_FUTURE);
	sched_setscheduler(0, SCHED_RR, &first);
}

/* It ends when remusd says so or is gone, not with a group of processes. */
static void be_deaf(void)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE };

	for (unsigned int i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], SIG_IGN);
	setsid();
}

int main(int argc, char **argv)
{
	struct feeder watchdog;

	log_open("remus-watchdog", LOG_LEVEL_INFO);
	if (argc != 4 || !parse(argv[1], 2, &watchdog.id) || !watchdog.id ||
	    !parse(argv[2], 3600, &watchdog.seconds) || !watchdog.seconds ||
	    !parse(argv[3], 3600000, &watchdog.linger)) {
		fprintf(stderr, "usage: remus-watchdog ID SECONDS MILLISECONDS-TO-LINGER\n");
		return 2;
	}
	be_deaf();
	watchdog.xc = xc_interface_open(NULL, NULL, 0);
	if (!watchdog.xc) {
		log_error("the hypervisor cannot be asked: %s", strerror(errno));
		return 1;
	}
	be_preferred();
	feeder_run(&watchdog);
	return 0;
}
