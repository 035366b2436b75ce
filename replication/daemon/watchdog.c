/* When a dom0 that hangs must be reset: while a lease that this host was given lets output out. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>

#include "common/log.h"
#include "fencing/guard/clock.h"
#include "replication/daemon/ward.h"

#define MS 1000000ull

/* A packet that was let go within the lease may be in the hands of a dom0 that hangs from then on. */
static bool relies(const struct ward *ward, const struct arbiter_config *times)
{
	return ward->guard && ward->lease &&
	       (ward->output == WARD_OUTPUT_LEASE ||
	        (ward->output == WARD_OUTPUT_HELD &&
	         guard_now() < ward->lease + times->enforcement));
}

void wards_watch(struct wards *wards)
{
	struct host *host = wards->settings.host;
	struct arbiter_config times = { .lease = 0 };
	const struct ward *ward = wards->first;
	uint32_t seconds, linger;
	int err;

	for (; ward; ward = ward->next) {
		if (ward->guard)
			guard_times_of(ward->guard, &times);
		if (relies(ward, &times))
			break;
	}
	seconds = ward ? (uint32_t)(times.enforcement / (1000 * MS)) : 0;
	linger = (uint32_t)((times.lease + times.margin) / MS);
	err = host->ops->watchdog(host, seconds, linger);
	if (err && err != wards->watchdog_err)
		log_error("the hypervisor's watchdog cannot be %s: %s: a dom0 that hangs is not "
		          "reset",
		          seconds ? "armed" : "disarmed", strerror(-err));
	else if (!err && seconds != wards->watched)
		log_info("the hypervisor's watchdog is %s", seconds ? "armed" : "disarmed");
	wards->watchdog_err = err;
	wards->watched = err ? 0 : seconds;
}
