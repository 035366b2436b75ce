/* The log of what is written to a domain's memory, epoch after epoch: docs/checkpoint.md. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef XEN_CORE_DIRTY_LOG_H
#define XEN_CORE_DIRTY_LOG_H

#include "dirty/set.h"
#include "dirty/twins.h"
#include "p2m/p2m.h"

struct dirty_config {
	uint32_t twins;
	bool snapshot;     /* an ended epoch's pages keep their contents until they are fetched */
	bool old_versions; /* a twin for every page written, as long as there are some */
};

/* All under the lock of the map that has it. */
struct dirty_log {
	struct dirty_config config;
	struct dirty_set sets[2];
	struct dirty_set *now, *ended; /* one each */
	struct twins twins;
	bool lost;       /* something was written that is in no set */
	uint64_t faults; /* of the guest's CPUs at closed entries */
	uint64_t waits;  /* of them: because no twin was free */
};

/* The map is closed when this returns, and flushed. -EBUSY: there is a log. -ENOMEM. */
int dirty_attach(struct p2m *p2m, const struct dirty_config *config);
void dirty_detach(struct p2m *p2m); /* nothing if there is none */

/* -EBUSY: the ended epoch is not empty. -ENODATA: the log is lost. With config.snapshot no vCPU of the
 * domain is on a CPU. Else count says how many pages the epoch had. */
int dirty_cut(struct p2m *p2m, uint32_t *count);

/* After each cut, while no vCPU is on a CPU: takes up the writers' pages as they are. May be done again
 * when something that should be of one moment has changed meanwhile. */
void dirty_cut_writers(struct p2m *p2m);

/* The next page of the ended epoch, taken off it. Buffers of a page each. */
enum dirty_taken_kind { DIRTY_PAGE, DIRTY_ABSENT, DIRTY_NO_MORE };
struct dirty_taken {
	enum dirty_taken_kind kind;
	gfn_t gfn;
	bool has_old;
	uint32_t left;
};
void dirty_take(struct p2m *p2m, void *contents, void *old, struct dirty_taken *taken);

/* The same for a page that stands in no set: as it is now. contents may be NULL. */
void dirty_read(struct p2m *p2m, gfn_t gfn, void *contents, struct dirty_taken *taken);

/*
 * The first page from a gfn on (taken->gfn) as it was at the last cut, whatever was fetched; without a log,
 * as it is now. DIRTY_NO_MORE: there is none. -ENODATA: it was written since and what it was is not kept.
 */
int dirty_read_cut(struct p2m *p2m, gfn_t from, void *contents, struct dirty_taken *taken);

/* A bit for each of count gfns from first on, multiples of 8: set if the ended or the running epoch has it. */
void dirty_bits(struct p2m *p2m, bool ended, uint64_t first, uint64_t count, uint8_t *bits);
/* Of the log: faults so far, pages of the running epoch. */
void dirty_stats(struct p2m *p2m, uint32_t *faults, uint32_t *pages);

/* The ended epoch is not wanted. lost: or could not be told to whom it is for. */
void dirty_forget(struct p2m *p2m, bool lost);

/* A page that is about to be written by other than a CPU of the domain, or to go: the map's lock is
 * held. mfn: what is there; MFN_NONE: nothing. */
void dirty_note(struct p2m *p2m, gfn_t gfn, mfn_t mfn);

/* A CPU of the domain writes where the map does not let it. */
enum dirty_answer {
	DIRTY_OPENED,  /* again: it can now */
	DIRTY_WAIT,    /* again, when others have had their turn */
	DIRTY_REFUSED, /* not memory to be written */
};
enum dirty_answer dirty_fault(struct p2m *p2m, gfn_t gfn);

/* Somebody writes a page at any time, unseen, until he is dropped: counted. -ENOMEM. */
int dirty_writer_add(struct p2m *p2m, gfn_t gfn);
void dirty_writer_drop(struct p2m *p2m, gfn_t gfn);

/* dom0 has written another domain's frame, found in its own map: told to the floor that knows domains. */
void dirty_foreign_written(mfn_t mfn);
void dirty_set_foreign_hook(void (*hook)(mfn_t mfn));

#endif
