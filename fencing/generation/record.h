/* What a host durably knows of its right to run a VM: the words of the record, without the file. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef FENCING_GENERATION_RECORD_H
#define FENCING_GENERATION_RECORD_H

#include <stdbool.h>
#include <stdint.h>

/* The numbers are those of the file and of group messages. */
enum situation {
	SITUATION_NONE = 0,        /* knows nothing of the VM */
	SITUATION_SOLO = 1,        /* primary; no other host may take over */
	SITUATION_REPLICATING = 2, /* primary; the standby may take over */
	SITUATION_HANDED =
		3, /* was primary and gave up its right for good, unless the standby says OUTDATED */
	SITUATION_IN_SYNC = 4,  /* standby; may take over within its window */
	SITUATION_OUTDATED = 5, /* standby; will never take over up to and with this right */
	SITUATION_TAKING =
		6, /* standby that claims the next generation; nothing of it has been seen outside */
	SITUATION_COUNT,
};

/* What is fought over. The generation is raised by each takeover, the round each time a standby is
 * admitted within it, so that a word said in one round means nothing in the next. */
struct right {
	uint64_t generation, round;
};

/* Below 0, 0, above 0 as a is older than, the same as, newer than b. */
static inline int right_compare(struct right a, struct right b)
{
	if (a.generation != b.generation)
		return a.generation < b.generation ? -1 : 1;
	return a.round == b.round ? 0 : a.round < b.round ? -1 : 1;
}

struct record {
	enum situation situation;
	struct right right;
	uint32_t peer; /* Corosync's number of the other host */
};

/* "replicating" and so on, for people. */
const char *situation_name(enum situation situation);

#endif
