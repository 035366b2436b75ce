/* A hypervisor for tests of what calls it: two domains that really hold memory, and answers made to order. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef TESTS_UNIT_FAKE_HYPER_H
#define TESTS_UNIT_FAKE_HYPER_H

#include <stdbool.h>

#include "replication/hyper/hyper.h"

#define FAKE_GFNS  1024u
#define FAKE_STATE 64u

struct fake_domain {
	bool is_paused, is_attached;
	uint64_t epoch;
	uint8_t *pages[FAKE_GFNS];       /* NULL: none there */
	uint8_t *ended_pages[FAKE_GFNS]; /* as they were at the cut, where dirty_ended */
	bool dirty[FAKE_GFNS], dirty_ended[FAKE_GFNS];
	uint8_t state[FAKE_STATE], cut_state[FAKE_STATE];
};

/* Domains are numbered 1 and 2. */
struct fake_hyper {
	struct fake_domain domains[2];
	uint32_t at_once;     /* pages that one fetch or apply does; 0: all */
	int calls;            /* made so far */
	int fail_at, fail;    /* the call of that number answers that */
	int alloc_at, allocs; /* the allocation of that number fails; those made */
	int held;             /* allocations that were not released */
	/* If set: has its way with what the call is about to give back. */
	void (*twist)(struct checkpoint_op *op);
};

/* Opens hyper on an empty fake; call numbers count from 1. */
void fake_open(struct fake_hyper *fake, struct hyper *hyper);
void fake_close(struct fake_hyper *fake, struct hyper *hyper); /* asserts that nothing is held */

struct fake_domain *fake_domain(struct fake_hyper *fake, uint16_t domain);

/* As the guest does: fills a page, which it makes if there is none; takes one away. */
void fake_write(struct fake_domain *domain, unsigned int gfn, uint8_t byte);
void fake_balloon(struct fake_domain *domain, unsigned int gfn);

/* The first byte of a page; -1: none is there. */
int fake_read(const struct fake_domain *domain, unsigned int gfn);

#endif
