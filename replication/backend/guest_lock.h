/* One process at a time serves, or prepares, the devices of a guest: a lock that ends with its holder. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_BACKEND_GUEST_LOCK_H
#define REPLICATION_BACKEND_GUEST_LOCK_H

/* A descriptor; -EWOULDBLOCK: another process has it; or another negative errno. */
int guest_lock_take(unsigned int domid);

/* It is held until its holder ends, or this: then no file of it is left. */
void guest_lock_drop(unsigned int domid, int fd);

#endif
