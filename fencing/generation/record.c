/* The words of the record. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "fencing/generation/record.h"

const char *situation_name(enum situation situation)
{
	static const char *const names[SITUATION_COUNT] = {
		[SITUATION_NONE] = "none",         [SITUATION_SOLO] = "solo",
		[SITUATION_HANDED] = "handed",     [SITUATION_REPLICATING] = "replicating",
		[SITUATION_IN_SYNC] = "in sync",   [SITUATION_OUTDATED] = "outdated",
		[SITUATION_TAKING] = "taking over"
	};

	return situation < SITUATION_COUNT ? names[situation] : "unknown";
}
