/* The subsystems that come and go with a domain, in order of creation. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/checkpoint.h"
#include "domain/unit.h"
#include "domain/watchdog.h"
#include "event/event.h"
#include "grant/grant.h"
#include "lib/types.h"

const struct unit *const domain_units[] = {
	&watchdog_unit,
	&event_unit,
	&grant_unit,
	&checkpoint_unit,
};

const unsigned domain_unit_count = ARRAY_SIZE(domain_units);
