/* What remus-primary may still do after it has started: no other program, no look into another, no change of the host. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_MAIN_CONFINE_PRIMARY_H
#define REPLICATION_MAIN_CONFINE_PRIMARY_H

/* For good, and in all threads: capabilities that are not listed in confine_primary.c are gone, and a system call that is
 * listed there ends the process with SIGSYS. Before threads are started. 0 or a negative errno. */
int confine_primary(void);

#endif
