/* What a worker may still do after it has started: least power, by capabilities and a system call filter. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_MAIN_CONFINE_H
#define REPLICATION_MAIN_CONFINE_H

/* Drop all capabilities but those listed in confine.c, for good. Before threads are started.
 * 0 or a negative errno. */
int confine_capabilities(void);

/* From here on a system call that is not listed in confine.c ends the process with SIGSYS, in all its threads.
 * 0 or a negative errno. */
int confine_calls(void);

#endif
