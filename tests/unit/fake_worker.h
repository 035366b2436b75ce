/* A worker that replicates nothing, in the place of remus-primary and remus-standby; and hosts made of files. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef TESTS_UNIT_FAKE_WORKER_H
#define TESTS_UNIT_FAKE_WORKER_H

#include "replication/daemon/host.h"

/*
 * A host is a folder: its guests are files domain-N with a line "NAME UUID", what xl prints of one is NAME.json, what xl was
 * told is in xl.log. A fake standby makes its domain and listens at its port; a fake primary connects there. Both
 * serve their control sockets.
 */

/* Whether this program was started as a worker; then it has been one, and ended. */
int fake_worker_main(int argc, char **argv);

struct fake_host {
	struct host host;
	char folder[64], programs[96], xl[96], ledger[96], config[96];
	int64_t free_kb;
	char used_image[96]; /* is another VM's disk */
	int used_error;      /* that is all that is said of it */
	uint32_t watchdog;   /* seconds; 0: not armed */
	char image[96];      /* the only disk of each guest, as number 51712 */
};

/* Makes the folder, with the bridge xenbr0. */
void fake_host_make(struct fake_host *fake);
void fake_host_remove(struct fake_host *fake);

void fake_host_add(const struct fake_host *fake, unsigned int domid, const char *name,
                   const char *uuid);
void fake_host_take(const struct fake_host *fake, unsigned int domid);
/* What it says in a file of the host's folder; a constant until the next call. "" it is not there. */
const char *fake_host_read(const struct fake_host *fake, const char *file);

#endif
