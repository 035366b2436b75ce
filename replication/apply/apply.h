/* Apply: epochs of a domain into its shadow, a domain that waits. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_APPLY_APPLY_H
#define REPLICATION_APPLY_APPLY_H

#include "replication/apply/own_pages.h"
#include "replication/hyper/hyper.h"

/*
 *    begin                            notes which pages the shadow has of its own
 *      apply_first ...                epoch 0, page by page: nothing whole is there that it could spoil
 *    apply_first_end                  and away with what epoch 0 has not
 *      stage ..., stage_state         epoch N is collected
 *    commit                           and becomes the shadow's, all of it (I2); or drop: as if it had never come
 *      ...
 *    activate                         the state of the last commit is loaded, the shadow runs
 *    end
 *
 * State is loaded no earlier: timers run in a loaded domain though it is paused, and what they tell the guest
 * would be written into memory that is to be as it was at the cut.
 *
 * Pages and records may come over a network: their numbers are checked by the hypervisor, their amount here. All
 * functions return 0 or a negative errno (replication/hyper/hyper.h). Committing again after a failed
 * commit is harmless: it says the same contents once more (I4).
 */

/* Memory for staged pages comes in steps of this size. */
#define APPLY_CHUNK_PAGES CHECKPOINT_PAGES_MAX

struct apply {
	struct hyper *hyper;
	uint16_t domain;
	struct own_pages own;       /* until the end of epoch 0 */
	struct hyper_pages *chunks; /* chunk_count of them, those up to the one in use full */
	uint32_t chunk_count, chunk_limit, chunk_used;
	void *staged_state, *state; /* of the epoch being staged; of the last commit */
	uint32_t staged_size, state_size;
};

/* domain must be paused. staged_pages bounds what is kept of an epoch, rounded up to whole chunks. */
int apply_begin(struct apply *apply, struct hyper *hyper, uint16_t domain, uint32_t staged_pages);
int apply_first(struct apply *apply, const struct hyper_pages *pages);
int apply_first_end(struct apply *apply);

/* pages are copied. -ENOSPC: more than the bound; the epoch is to be dropped. */
int apply_stage(struct apply *apply, const struct hyper_pages *pages);
int apply_stage_state(struct apply *apply, const void *records, uint32_t size);

/* -ENODATA: no state was staged, so the epoch is not whole. After another error the epoch is still staged. */
int apply_commit(struct apply *apply);
void apply_drop(struct apply *apply);

/* Loads the state of the last commit. -ENODATA: there was none. */
int apply_load(struct apply *apply);

/* The shadow goes on from there, if the deadline (host's system time, 0: none) has not passed: else -ETIME. */
int apply_activate(struct apply *apply, uint64_t deadline);

void apply_end(struct apply *apply); /* fine if apply is all zero */

#endif
