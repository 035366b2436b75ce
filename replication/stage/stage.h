/* An epoch that comes in from the peer: kept aside until it is whole, then made the standby's state, or dropped (I2). */
/* SPDX-License-Identifier: Apache-2.0
 *
 * Frames are kept as they came, after all that can be checked without the standby's memory was checked. So a commit does not
 * meet anything that cannot be; only the host's own disk or hypervisor can fail it, and then it is done again (I4).
 */

#ifndef REPLICATION_STAGE_STAGE_H
#define REPLICATION_STAGE_STAGE_H

#include <stdbool.h>

#include "replication/standby/sink.h"
#include "replication/wire/body.h"

struct stage;

struct stage_limits {
	uint64_t bytes;        /* of frames kept, with what keeping them takes */
	uint64_t memory_pages; /* gfns lie below */
	uint32_t codecs;
	struct disk_limits disks;
};

/* begin: the frame that began the epoch. is_base: what comes is applied to sink at once, and nothing but state is refused
 * a place. NULL: no memory. */
struct stage *stage_new(const struct stage_limits *limits, const struct frame *begin, bool is_base);
void stage_free(struct stage *stage);

uint64_t stage_epoch(const struct stage *stage);
uint64_t stage_bytes(const struct stage *stage);

/* A frame of the epoch: PAGES, STATE, DISK_WRITE or DISK_SYNC. 0; or a negative errno with *why and *reason set: the stage is
 * to be dropped. -EPROTO: such a peer errs, and the connection with it. sink: for a base. */
int stage_add(struct stage *stage, const struct frame *frame, struct sink *sink,
              enum wire_nack *reason, const char **why);

/* Its END has come: whether it is whole. 0, or -EBADMSG with *reason and *why. */
int stage_end(struct stage *stage, const struct wire_end *end, enum wire_nack *reason,
              const char **why);

/* Make it the standby's state: disks first, for these can fail; then memory; then the state. May be called again after an
 * error. 0 or a negative errno. */
int stage_commit(struct stage *stage, struct sink *sink);

#endif
