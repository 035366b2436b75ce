/* The folder of what is protected: a file a VM, written whole or not at all. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_DAEMON_LEDGER_H
#define REPLICATION_DAEMON_LEDGER_H

#include "replication/daemon/protection.h"

#define LEDGER_FOLDER "/var/lib/remus/vms"

/* Opens the folder, and makes it if it is missing (not its parents): a descriptor, or a negative errno. */
int ledger_open(const char *path);

/* Tells each that is there. One that is damaged is told too, with protection NULL and why: what should be protected, and
 * cannot be, is an alarm. 0 or a negative errno of reading the folder. */
int ledger_each(int folder,
                void (*tell)(const char *name, const struct protection *protection, const char *why,
                             void *data),
                void *data);

/* Durable, with the name, when it returns 0; after an error (a negative errno) the old or the new one is. Blocks for the
 * disk. */
int ledger_write(int folder, const struct protection *protection);

/* Keeps the VM's configuration, what `xl list -l` prints, beside its file. The same of durability. */
int ledger_keep(int folder, const char *name, const char *listing);
/* Where that is. */
void ledger_listing(const char *path, const char *name, char *file, size_t size);

/* With its configuration. 0 also where there was none. */
int ledger_remove(int folder, const char *name);

#endif
