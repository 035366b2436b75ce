/* What a primary must have of a VM to replicate it: its memory, state, disks and output, epoch by epoch. */
/* SPDX-License-Identifier: Apache-2.0
 *
 * The real one asks the hypervisor and the VM's backend worker; tests have one of their own. Functions that return int answer
 * 0 or a negative errno unless they say otherwise. None waits for the peer.
 */

#ifndef REPLICATION_PRIMARY_VM_H
#define REPLICATION_PRIMARY_VM_H

#include "common/exempt.h"
#include "replication/encode/encode.h"
#include "replication/wire/disk.h"

struct vm;

struct vm_cut {
	uint64_t pages; /* written in the epoch that ended */
	uint64_t time;  /* of this host, ns */
	uint64_t pause; /* ns that it stood for the capture */
};

/* Frames that waited at the last boundary. */
struct vm_held {
	uint64_t bytes; /* about */
	uint64_t frames;
};

struct vm_ops {
	/* Log anew what the VM writes. Every page is dirty, to be fetched; sync() begins at the first block again. What was
	 * attached before is forgotten; held output is not touched. common: the pairing (docs/resync.md) that the peer's disks
	 * stand in, if ours do: sync() then gives what is marked here, and what differ() adds before it is called; 0: there is none.
	 * Else it gives everything, and pairing() is the new one, or 0: marks cannot be kept. */
	int (*attach)(struct vm *vm, uint64_t common, uint64_t new);
	/* That our disks stand in; 0: none. */
	uint64_t (*pairing)(struct vm *vm);
	/* The peer's marks of a disk. -EPROTO: the disk is not of that size. */
	int (*differ)(struct vm *vm, uint32_t disk, const uint8_t *bits, uint32_t size);
	/* The peer's disks, of our pairing, have durably what epochs up to that one wrote. */
	void (*committed)(struct vm *vm, uint64_t epoch);
	/* Log no more. Notes of disk writes are dropped unless output is held. */
	void (*detach)(struct vm *vm);

	/* Output is held from now on; all of it passes. */
	int (*hold)(struct vm *vm);
	int (*free)(struct vm *vm);

	/* Of output that is held and was released, may leave until then: CLOCK_BOOTTIME, ns; 0: nothing. Without it: all. */
	int (*lease)(struct vm *vm, uint64_t until);

	/* Frames of these EtherTypes are not held, as long as there is a lease. Kept also if it fails, for when the devices are
	 * there again. */
	int (*exempt)(struct vm *vm, const struct exempt *exempt);

	/* The VM stands still, whatever else pauses it, and goes on. Each at most once in turn. */
	int (*pause)(struct vm *vm);
	int (*resume)(struct vm *vm);

	struct vm_held (*held)(struct vm *vm);

	/* Bytes of its memory, and of what sync() gives of its disks, about. */
	uint64_t (*size)(struct vm *vm);
	/* The latter alone. */
	uint64_t (*disks)(struct vm *vm);

	/* A boundary (I3), in this order. stop: devices stand still, and what they send from now on is of epoch + 1. capture: the
	 * VM is paused, its state taken, its dirty pages set apart, and goes on. go: the disk epoch is cut, devices go on; called
	 * also when capture failed; -ETIME: they went on too early, the capture does not count. */
	int (*stop)(struct vm *vm, uint64_t epoch);
	int (*capture)(struct vm *vm, struct vm_cut *cut);
	int (*go)(struct vm *vm, uint64_t epoch);

	/* Pages of the epoch that has ended: how many were put there, 0: none is left. Contents stay valid, and may be read by other
	 * threads, for as many calls as the VM has batches, or until attach or detach. There is no capture while some are left. */
	int (*fetch)(struct vm *vm, struct encode_page *pages, uint32_t room);
	/* Pages written in the open epoch so far; 0: not known. Asked several times an epoch, if there is a budget. */
	uint64_t (*dirty)(struct vm *vm);
	/* State of that kind at the last capture; size 0: there is none. Valid until the next capture. */
	int (*state)(struct vm *vm, enum wire_state_kind kind, const void **bytes, uint32_t *size);
	/* What the VM has written to its disks in epochs up to that one: 1: the next write, valid until the next call; 0: there is
	 * no more. */
	int (*write)(struct vm *vm, uint64_t epoch, struct disk_write *write);
	/* The next block of the disks' first copy: 1, or 0: all were given. It was read when every write that write() has not told
	 * yet, and none that it has, may have been missing in it. */
	int (*sync)(struct vm *vm, struct disk_write *block);

	/* Output of epochs up to that one may leave; their disk writes are not asked for again. forget: only the latter. */
	int (*release)(struct vm *vm, uint64_t epoch);
	int (*forget)(struct vm *vm, uint64_t epoch);
};

struct vm {
	const struct vm_ops *ops;
	uint32_t batches; /* of fetch() that are kept, at least 1 */
};

#endif
