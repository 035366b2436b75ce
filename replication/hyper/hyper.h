/* What a program in dom0 may ask of the hypervisor about checkpoints: one function an operation. */
/* SPDX-License-Identifier: Apache-2.0 */

#ifndef REPLICATION_HYPER_HYPER_H
#define REPLICATION_HYPER_HYPER_H

#include <stddef.h>
#include <stdint.h>

#include "xen-core/abi/checkpoint.h"

/*
 * The calls, their limits and what each error means are told in xen-core/abi/checkpoint.h. All functions here return 0
 * or that error, a negative errno; -EPROTO stands for an answer that cannot be, and -ENOMEM also for our
 * own memory. A handle serves one thread. Domains are named by their domids.
 *
 * The hypervisor reads and writes the caller's memory by its linear address, so all that it is handed has to stay in
 * memory: struct hyper_pages and hyper_alloc() see to that.
 */

/* How hypercalls are made: by libxencall (hyper_open), or by a test that plays the hypervisor. */
struct hyper_calls {
	int (*call)(void *world, struct checkpoint_op *op); /* 0 or -errno */
	void *(*alloc)(void *world, size_t bytes);          /* NULL: no memory */
	void (*release)(void *world, void *memory, size_t bytes);
	void (*close)(void *world);
};

struct hyper {
	const struct hyper_calls *calls;
	void *world;
	struct checkpoint_op *op; /* of the call under way */
};

int hyper_open(struct hyper *hyper);
int hyper_open_with(struct hyper *hyper, const struct hyper_calls *calls, void *world);
void hyper_close(struct hyper *hyper); /* fine if it was not opened, but is all zero */

void *hyper_alloc(struct hyper *hyper, size_t bytes);
void hyper_free(struct hyper *hyper, void *memory, size_t bytes); /* NULL is fine */

/* Pages on their way out of a domain or into one. Contents of page i are at i * HYPER_PAGE_SIZE. */
#define HYPER_PAGE_SIZE 4096u
struct hyper_pages {
	uint32_t room;  /* at most CHECKPOINT_PAGES_MAX */
	uint32_t count; /* of them in use */
	struct checkpoint_page *pages;
	uint8_t *contents; /* NULL: a list of pages only */
	uint8_t *old; /* of pages marked CHECKPOINT_PAGE_OLD; NULL: old versions are not wanted */
};

int hyper_pages_make(struct hyper *hyper, struct hyper_pages *pages, uint32_t room, int wants_old);
/* Without room for contents: epoch 0 can be fetched so. */
int hyper_pages_make_list(struct hyper *hyper, struct hyper_pages *pages, uint32_t room);
void hyper_pages_free(struct hyper *hyper, struct hyper_pages *pages); /* fine if all zero */

int hyper_attach(struct hyper *hyper, uint16_t domain, const struct checkpoint_attach *attach);
int hyper_detach(struct hyper *hyper, uint16_t domain);
int hyper_cut(struct hyper *hyper, uint16_t domain, struct checkpoint_cut *cut);

/* Fills pages from the ended epoch; *left is how many are still to come. No page: there is none any more. */
int hyper_fetch(struct hyper *hyper, uint16_t domain, struct hyper_pages *pages, uint32_t *left);

/* The state at the last cut into a buffer of hyper_alloc(); *size: its room, then what was given. */
int hyper_state(struct hyper *hyper, uint16_t domain, void *buffer, uint32_t *size);

/* Writes all of pages, in as many calls as it takes. After an error some have been written. */
int hyper_apply(struct hyper *hyper, uint16_t domain, const struct hyper_pages *pages);

/* Sets the state; buffer is of hyper_alloc(). */
int hyper_load(struct hyper *hyper, uint16_t domain, const void *buffer, uint32_t size);
int hyper_activate(struct hyper *hyper, uint16_t domain, uint64_t deadline);

/* The hypervisor's clock, which the deadline is compared with. */
int hyper_clock(struct hyper *hyper, uint16_t domain, uint64_t *now);

/* Pages that a captured domain has written in the running epoch. */
int hyper_written(struct hyper *hyper, uint16_t domain, uint32_t *pages);

/* One step of a hash over a domain's memory: begin with all zero, go on until gfn is CHECKPOINT_HASH_DONE. */
int hyper_hash_step(struct hyper *hyper, uint16_t domain, struct checkpoint_hash *hash);

#endif
