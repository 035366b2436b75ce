/* Capture: the epochs of one running domain, taken one after the other. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_CAPTURE_CAPTURE_H
#define REPLICATION_CAPTURE_CAPTURE_H

#include "replication/hyper/hyper.h"

/*
 *    begin                       epoch 0: every page
 *      next, next, ... 0
 *    cut                         epoch 1: what was written since
 *      next, next, ... 0;  state
 *    cut ...
 *    end
 *
 * The domain runs on all the while; a cut holds it for a moment. Memory is bounded: some batches of pages and one
 * state. All functions return 0 or a negative errno (replication/hyper/hyper.h); after one from next the epoch is
 * lost and all has to begin anew.
 */
#define CAPTURE_BATCHES_MAX 32u

struct capture_limits {
	uint32_t twins;       /* pages the hypervisor may keep aside for us */
	uint32_t batch_pages; /* taken at once */
	uint32_t batches;     /* of them that stay as they were taken: the last so many */
	int wants_old;        /* each page's contents at the cut before, too */
};

struct capture {
	struct hyper *hyper;
	uint16_t domain;
	int is_attached;
	int is_empty; /* the ended epoch has been taken in full */
	struct hyper_pages batches[CAPTURE_BATCHES_MAX]; /* a ring */
	uint32_t batches_made;
	struct hyper_pages *batch; /* the one that was taken last */
	void *state; /* state_room bytes, state_size of them used; 0: not asked for yet */
	uint32_t state_room, state_size;
	struct checkpoint_cut cut; /* the last one */
};

/* capture is the caller's. -EBUSY: somebody else captures the domain; -EINVAL: limits that cannot be. */
int capture_begin(struct capture *capture, struct hyper *hyper, uint16_t domain,
                  const struct capture_limits *limits);

/* Ends the epoch; what is known of it is in capture->cut. -EBUSY: pages of the last one are left. */
int capture_cut(struct capture *capture);

/* The next pages of the ended epoch, in capture->batch: how many, or 0 when there are none. They stay there for as many calls as there
 * are batches, or until the end. */
int capture_next(struct capture *capture);

/* The state at the last cut, in memory that is ours until the next cut. -ENODATA: there was none. */
int capture_state(struct capture *capture, const void **records, uint32_t *size);

/* Detaches, unless the domain is gone, and frees. Fine if capture is all zero. */
void capture_end(struct capture *capture);

#endif
