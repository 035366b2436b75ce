/* A running domain of this host as its primary wants it: the hypervisor's epochs, its devices, its disks. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_DOMAIN_DOMAIN_VM_H
#define REPLICATION_DOMAIN_DOMAIN_VM_H

#include "replication/capture/capture.h"
#include "replication/domain/devices.h"
#include "replication/estate/estate.h"
#include "replication/domain/images.h"
#include "replication/primary/vm.h"

struct domain_vm {
	struct vm vm; /* first */
	struct hyper *hyper;
	struct images *disks;
	uint16_t domain;
	bool has_devices; /* a backend worker serves it; without one there is no output to hold */
	struct capture_limits limits;
	struct devices devices;
	struct capture capture;
	struct estate_source
		*estate; /* the caller's, set after opening; NULL: none is carried along */
	struct disk_write discard; /* what is left of a long one */
	uint64_t pairing;          /* of the disks, since they were attached; 0: none */
	uint64_t epoch;            /* the open one, for when devices are taken anew */
	uint64_t lease;            /* the last that was said; UINT64_MAX: there is none */
	struct exempt exempt;      /* likewise */
};

/* The parts are the caller's and outlive it. Takes the devices: what it holds already is in vm->devices. is_leased: of what is held
 * nothing leaves before vm_ops.lease. 0 or a negative errno. */
int domain_vm_open(struct domain_vm *vm, struct hyper *hyper, struct images *disks, uint16_t domain,
                   bool has_devices, bool is_leased, uint32_t twins);
/* Of fetch() that are kept, each 2 MiB, from the next attach on; 1 if this is not called. */
void domain_vm_keep(struct domain_vm *vm, uint32_t batches);
/* What is held stays held. */
void domain_vm_close(struct domain_vm *vm);

#endif
