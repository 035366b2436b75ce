/* What `xl list -l VM` says of a VM: as much of it as protection depends on. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_DAEMON_VM_CONFIG_H
#define REPLICATION_DAEMON_VM_CONFIG_H

#include <jansson.h>
#include <stdint.h>

#define VM_CONFIG_BRIDGES_MAX 16u

/* Strings are the JSON's. */
struct vm_config {
	const char *name, *uuid;
	const char *type;             /* libxl's word: pvh, hvm, pv */
	const json_t *disks;          /* libxl's list; NULL: none */
	uint64_t memory_kb;           /* at most, with what the hypervisor needs for it */
	const char *kernel, *ramdisk; /* NULL: none */
	unsigned int bridge_count;
	const char *bridges[VM_CONFIG_BRIDGES_MAX];
	const char *unserved; /* a kind of device that cannot be replicated; NULL: it has none */
	const char *
		program; /* what names a program that libxl would run as root; NULL: nothing does */
};

/* listing: the array of one that xl prints; it may come from a peer. NULL, or what is wrong. */
const char *vm_config_read(struct vm_config *config, const json_t *listing);

#endif
