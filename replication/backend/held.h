/* Frames of a network card that wait until the standby has the epoch that sent them. */
/* SPDX-License-Identifier: Apache-2.0
 *
 * In order, whatever their EtherType; in memory that outlives the process, so that its successor lets them go.
 */

#ifndef REPLICATION_BACKEND_HELD_H
#define REPLICATION_BACKEND_HELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/virtio_net.h>

#include "replication/hold/record_log.h"

/* What a card may have waiting: epochs of 25 ms at 2.5 Gbit/s. When it is full the guest's ring stalls. */
#define HELD_BYTES (8u << 20)

struct held {
	void *memory; /* NULL: nothing is held, nothing was */
	struct record_log log;
	uint32_t frames; /* in it */
};

/* What waits in one of them, or in all of a guest's. */
struct held_sum {
	uint64_t bytes; /* of frames, with what is kept beside them */
	uint32_t frames;
};

/* Have room for frames: those that an earlier process left, if it left any. 0 or a negative errno. */
int held_open(struct held *held, unsigned int domid, unsigned int devid);
/* The same only if an earlier process left some. */
int held_find(struct held *held, unsigned int domid, unsigned int devid);

/* Let go of the memory; with it go the frames if is_final. */
void held_close(struct held *held, unsigned int domid, unsigned int devid, bool is_final);

bool held_is_empty(const struct held *held);
void held_add(const struct held *held, struct held_sum *sum);

/* Keep a frame. -ENOBUFS: full. */
int held_put(struct held *held, uint64_t epoch, const struct virtio_net_hdr *header,
             const void *frame, size_t length);

/* Whether that time (until, below) has come. */
bool held_is_over(uint64_t until);

/* Write the frames of that epoch and of those before it to the tap, each only if it is not later than until (CLOCK_BOOTTIME, ns;
 * UINT64_MAX: whenever). -EAGAIN: the tap has no room for the rest. */
int held_release(struct held *held, uint64_t epoch, uint64_t until, int tap);

#endif
