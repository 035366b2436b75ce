/* Capabilities that a process keeps when it gives up the others. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_MAIN_CAPABILITIES_H
#define REPLICATION_MAIN_CAPABILITIES_H

/* Drop all capabilities but these (CAP_*), of which it has some or none, for good: no program that it runs gets more. Before
 * threads are started. 0 or a negative errno. */
int capabilities_keep(const int *kept, unsigned int count);

#endif
