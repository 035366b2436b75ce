/* A guest of this host as its primary needs it: hypervisor, backend worker, images and xenstore behind one table. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_XEN_PRIMARY_VM_H
#define REPLICATION_XEN_PRIMARY_VM_H

#include <stdbool.h>

#include "replication/hyper/hyper.h"
#include "replication/primary/vm.h"

struct primary_vm;

struct primary_vm_settings {
	uint32_t domid;
	uint32_t twins; /* pages the hypervisor may keep aside */
	const void *
		config; /* what the VM is created from, as WIRE_STATE_CONFIG; the caller's, and stays */
	uint32_t config_size;
};

/* hyper is the caller's, and stays. A guest without disks and cards has no worker: what is asked of that is done then.
 * 0 or a negative errno, which was logged. */
int primary_vm_open(struct primary_vm **vm, struct hyper *hyper,
                    const struct primary_vm_settings *settings);

/* What is held stays held. Fine with NULL. */
void primary_vm_close(struct primary_vm *vm);

struct vm *primary_vm_table(struct primary_vm *vm);

/* Readable when the worker says something unasked; -1: there is none, or it is gone. */
int primary_vm_fd(const struct primary_vm *vm);

/* Hears what it says: whether output waits in the open epoch. -EPIPE: the worker is gone; attach anew. */
int primary_vm_hear(struct primary_vm *vm, bool *is_wanted);

/* Output was held before we came: a fact of the first attach. */
bool primary_vm_is_held(const struct primary_vm *vm);

#endif
