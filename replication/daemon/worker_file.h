/* What a worker is told: its file below /run/remus, and where it is (docs/workers.md). */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_DAEMON_WORKER_FILE_H
#define REPLICATION_DAEMON_WORKER_FILE_H

#include "replication/daemon/protection.h"

#define WORKER_PATH_SIZE 108 /* a Unix socket's address has no more */

struct worker_paths {
	char file[WORKER_PATH_SIZE], control[WORKER_PATH_SIZE];
	char listing
		[WORKER_PATH_SIZE]; /* of a standby: what `xl list -l` printed on the primary's host */
};

/* folder: /run/remus. 0 or -ENAMETOOLONG. */
int worker_paths(struct worker_paths *paths, const char *folder,
                 const struct protection *protection);

/* What settings are for a worker, in its own words: of its file, and of its verb `set`. */
struct worker_pace {
	uint32_t interval_ms, shortest_ms, dirty_pages, kept_mib;
};
struct worker_pace worker_pace_of(const struct config_vm_defaults *settings);

/* Mode 0600. listing: of a standby. 0 or a negative errno. */
int worker_file_write(const struct worker_paths *paths, const struct protection *protection,
                      const struct config *config, const json_t *listing);
void worker_file_remove(const struct worker_paths *paths);

#endif
