/* The durable record of each VM: written whole, or not at all; damage is refused. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef FENCING_GENERATION_GENERATION_H
#define FENCING_GENERATION_GENERATION_H

#include "fencing/generation/record.h"

#define GENERATION_VM_MAX                                                                          \
	128 /* characters of a VM's name: letters, digits and ._+- but not first a dot */

/*
 * `folder` is an open directory on a local disk (/var/lib/remus/generations), one file a VM, kept by the
 * caller. All return 0 or a negative errno; -EINVAL: not a name for a VM.
 */

/* -ENOENT: nothing is known of the VM (and record says so). -EBADMSG: there is a file, but it is not
 * whole, is another VM's, or of another version: it must not be taken for nothing. */
int generation_read(int folder, const char *vm, struct record *record);

/* Durable, with the name, when it returns 0; after an error the old or the new one is. -EBADMSG as above;
 * -ESTALE: the right would go back. Blocks for the disk. */
int generation_write(int folder, const char *vm, const struct record *record);

/* The VM is not protected any more; the order is the operator's. 0 also where nothing was known. */
int generation_forget(int folder, const char *vm);

#endif
