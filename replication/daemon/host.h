/* What remusd asks of its own host: its VMs, their disks, what is free. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_DAEMON_HOST_H
#define REPLICATION_DAEMON_HOST_H

#include "replication/daemon/protection.h"

struct host_vm {
	uint16_t domid;
	char name[PROTECTION_NAME_SIZE]; /* "": longer than a protected VM's may be */
	char uuid[PROTECTION_UUID_SIZE];
};

struct host;

struct host_ops {
	/* By its number; -ENOENT: there is none. */
	int (*look)(struct host *host, unsigned int domid, struct host_vm *vm);
	/* By its name, its UUID, or its number in digits. -ENOENT: there is none; else it is not known. */
	int (*find)(struct host *host, const char *word, struct host_vm *vm);
	/* Fills in the disks as dom0 serves them; NULL, or which cannot be, and why (a constant, or host->why). */
	const char *(*disks)(struct host *host, unsigned int domid, struct protection *protection);
	/* Whether a VM of this host other than that one has the image as a disk, by whatever path: 1, 0, or a negative errno:
	 * it is not known. */
	int (*is_used)(struct host *host, const char *path, unsigned int but);
	/* KiB that a new domain may have; a negative errno. */
	int64_t (*free_memory)(struct host *host);
	/* Has the hypervisor reset this host when its dom0 does not run anything for so many seconds; 0: no more. When
	 * remusd dies that ends `linger` ms later. It may be said again and again. 0, or a negative errno. */
	int (*watchdog)(struct host *host, uint32_t seconds, uint32_t linger);
};

/* root is "" on a host: put before paths below /sys. */
struct host {
	const struct host_ops *ops;
	const char *root;
	char why[PROTECTION_WHY_SIZE];
};

/* The bytes of a disk's image; a negative errno. A block device that is mounted here, or held otherwise: -EBUSY. */
int64_t host_image_bytes(const char *path);

#endif
