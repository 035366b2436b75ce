/* What a standby must have to make a VM of epochs: a shadow domain, images, and a way to start it. */
/* SPDX-License-Identifier: Apache-2.0
 *
 * The real one uses the hypervisor and images of this host; tests have one of their own. All functions return 0 or a
 * negative errno and may be called again with the same after an error (I4).
 */

#ifndef REPLICATION_STANDBY_SINK_H
#define REPLICATION_STANDBY_SINK_H

#include <stdint.h>

#include "replication/wire/disk.h"

struct sink_page {
	uint64_t gfn;
	const uint8_t *contents; /* 4096 bytes; NULL: the VM has no page there */
};

struct sink;

struct sink_ops {
	/* A first copy begins: nothing of what is there counts any more, and it must not run. pairing: that the disks stand in from now
	 * on (docs/resync.md); if it is the one that they stood in, only what differs will come; 0: none. */
	int (*reset)(struct sink *sink, uint64_t pairing);
	/* The pairing that the disks stand in; 0: none. */
	uint64_t (*pairing)(struct sink *sink);
	/* What may have been written here beyond it, of a disk: bytes put at bits, of WIRE_MARKS_BYTES_MAX. */
	uint32_t (*marks)(struct sink *sink, uint32_t disk, uint8_t *bits);
	/* A first copy is complete: durable, and nothing is marked here any more. */
	int (*settle)(struct sink *sink);
	/* What the shadow has at that gfn: 4096 bytes; zeroes where it has none. */
	int (*read)(struct sink *sink, uint64_t gfn, uint8_t *page);
	/* At most WIRE_PAGES_MAX, in order. After an error some may have been applied. */
	int (*apply)(struct sink *sink, const struct sink_page *pages, uint32_t count);
	/* Keep that state, whole, in place of what was kept of its kind; it is loaded at activation. */
	int (*state)(struct sink *sink, enum wire_state_kind kind, const void *bytes,
	             uint32_t size);
	/* To the image, in order; flush: what was written is durable. */
	int (*write)(struct sink *sink, const struct disk_write *write);
	int (*flush)(struct sink *sink);
	/* Everything up to that epoch was applied: run it, but not after until (CLOCK_BOOTTIME, ns; 0: whenever): -ETIME. */
	int (*activate)(struct sink *sink, uint64_t epoch, uint64_t until);
	/* It was activated, and its output is held: let it pass. */
	int (*release)(struct sink *sink);
};

struct sink {
	const struct sink_ops *ops;
};

#endif
