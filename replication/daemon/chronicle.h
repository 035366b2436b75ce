/* What happened to protected VMs: the last events, in memory and in a file that outlives remusd. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_DAEMON_CHRONICLE_H
#define REPLICATION_DAEMON_CHRONICLE_H

#include <jansson.h>
#include <stdint.h>

/*
 * A line of JSON each, as docs/control.md describes `events`. The file is written without waiting for the disk: the loop
 * that writes it renews leases. So a host that dies may lose its last lines; the standby's host has its own. A file that
 * cannot be written is logged once, and events are kept in memory.
 */
#define CHRONICLE_FILE   "/var/lib/remus/events"
#define CHRONICLE_EVENTS 512u /* kept; the file has twice as many at most */
#define CHRONICLE_TOLD   64u  /* at most in one reply: they fit a line of the control socket */

struct chronicle;

/* path is kept; NULL: no file. NULL: no memory. */
struct chronicle *chronicle_open(const char *path);
void chronicle_close(struct chronicle *chronicle);

/* event: a stable word; text: a sentence, cut to what fits, or "". */
struct happening {
	const char *vm, *event, *text;
	uint64_t generation, round, epoch;
};
void chronicle_add(struct chronicle *chronicle, const struct happening *happening);

/*
 * Those with a number greater than since, of that VM (NULL: all), oldest first: {events, last, more}. last: to ask on from;
 * more: there are some that did not fit. A new reference.
 */
json_t *chronicle_tell(const struct chronicle *chronicle, const char *vm, uint64_t since);

#endif
