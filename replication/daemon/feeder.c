/* What remus-watchdog does: feeds the hypervisor's watchdog of dom0 until remusd has disarmed it, or is gone. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/daemon/feeder.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Waits until the next feed. What remusd says: 'q', 0 it is gone, -1 nothing. */
static int wait_for_word(const struct feeder *feeder, bool is_heard)
{
	struct pollfd input = { .fd = is_heard ? STDIN_FILENO : -1, .events = POLLIN };
	char word;

	if (poll(&input, 1, (int)(feeder->seconds * 1000 / 8)) <= 0)
		return -1;
	return read(STDIN_FILENO, &word, 1) == 1 ? word : 0;
}

void feeder_run(const struct feeder *feeder)
{
	bool is_heard = true;
	uint64_t until = 0;

	for (;;) {
		int word;

		/* One that does not run any more was disarmed, and the word for that is on its way. */
		if (xc_watchdog(feeder->xc, feeder->id, feeder->seconds) < 0 && errno == EINVAL)
			return;
		if (until && now_ms() >= until)
			break;
		word = wait_for_word(feeder, is_heard);
		if (word > 0)
			return;
		if (word == 0 && is_heard) {
			is_heard = false;
			until = now_ms() + feeder->linger;
		}
	}
	log_info("remusd is gone, and so is its last lease: the watchdog is disarmed");
	xc_watchdog(feeder->xc, feeder->id, 0);
}
