/* Epochs from a guest into its shadow, and the check that both have the same memory. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/main/mirror.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"

/* Of one epoch: 4 GiB. */
#define STAGED_PAGES_MAX (1u << 20)

static int failed(const struct mirror *mirror, const char *what, int err)
{
	log_error("domain %u into %u, epoch %" PRIu64 ": cannot %s: %s", mirror->capture.domain,
	          mirror->apply.domain, mirror->capture.cut.epoch, what, strerror(-err));
	return err;
}

int mirror_open(struct mirror *mirror, uint16_t source, uint16_t shadow,
                const struct capture_limits *limits)
{
	int err;

	memset(mirror, 0, sizeof(*mirror));
	err = hyper_open(&mirror->hyper);
	if (err) {
		log_error("cannot open hypercalls: %s", strerror(-err));
		return err;
	}
	err = apply_begin(&mirror->apply, &mirror->hyper, shadow, STAGED_PAGES_MAX);
	if (err) {
		log_error("cannot list the pages of shadow %u: %s", shadow, strerror(-err));
		goto close;
	}
	err = capture_begin(&mirror->capture, &mirror->hyper, source, limits);
	if (err) {
		log_error("cannot begin to capture domain %u: %s", source, strerror(-err));
		goto close;
	}
	err = limits->wants_old ? shadow_memory_open(&mirror->memory, shadow) : 0;
	if (err) {
		log_error("cannot look into shadow %u: %s", shadow, strerror(-err));
		goto close;
	}
	return 0;
close:
	mirror_close(mirror);
	return err;
}

/* An encoder tells only what differs from the old versions: the shadow must have just those. */
static int check_old(struct mirror *mirror, const struct hyper_pages *batch)
{
	uint8_t page[HYPER_PAGE_SIZE];
	int err;

	for (uint32_t i = 0; i < batch->count; i++) {
		uint64_t gfn = batch->pages[i].gfn;

		if (batch->pages[i].flags & CHECKPOINT_PAGE_OLD) {
			err = shadow_memory_read(&mirror->memory, gfn, page);
			if (err)
				return failed(mirror, "read the shadow", err);
			if (memcmp(page, batch->old + (size_t)i * HYPER_PAGE_SIZE, sizeof(page))) {
				log_error("epoch %" PRIu64 ": the shadow has not what is told "
				          "as the old version of gfn %#" PRIx64,
				          mirror->capture.cut.epoch, gfn);
				return -EILSEQ;
			}
			mirror->old++;
		}
		shadow_memory_changes(&mirror->memory, gfn,
		                      !(batch->pages[i].flags & CHECKPOINT_PAGE_ABSENT));
	}
	return 0;
}

/* Each batch of the ended epoch goes to a stage of the other side. */
static int move_pages(struct mirror *mirror,
                      int (*stage)(struct apply *apply, const struct hyper_pages *pages))
{
	uint64_t pages = 0;
	int count, err;

	while ((count = capture_next(&mirror->capture)) > 0) {
		err = mirror->memory.handle ? check_old(mirror, mirror->capture.batch) : 0;
		if (err)
			return err;
		err = stage(&mirror->apply, mirror->capture.batch);
		if (err)
			return failed(mirror, "write into the shadow", err);
		pages += (unsigned int)count;
	}
	if (count < 0)
		return failed(mirror, "take its pages", count);
	mirror->pages += pages;
	if (pages > mirror->pages_most)
		mirror->pages_most = pages;
	return 0;
}

int mirror_first(struct mirror *mirror)
{
	int err = move_pages(mirror, apply_first);

	if (err)
		return err;
	log_info("all memory of domain %u: %" PRIu64 " pages", mirror->capture.domain,
	         mirror->pages);
	mirror->pages = mirror->pages_most = 0;
	err = apply_first_end(&mirror->apply);
	return err ? failed(mirror, "clear pages of the shadow", err) : 0;
}

static int move_state(struct mirror *mirror)
{
	const void *records;
	uint32_t size;
	int err = capture_state(&mirror->capture, &records, &size);

	if (err)
		return failed(mirror, "take its state", err);
	err = apply_stage_state(&mirror->apply, records, size);
	return err ? failed(mirror, "stage its state", err) : 0;
}

int mirror_epoch(struct mirror *mirror)
{
	const struct checkpoint_cut *cut = &mirror->capture.cut;
	int err = capture_cut(&mirror->capture);

	if (err)
		return failed(mirror, "cut", err);
	mirror->epochs++;
	mirror->pause_sum += cut->pause;
	if (cut->pause > mirror->pause_most)
		mirror->pause_most = cut->pause;
	err = move_pages(mirror, apply_stage);
	if (!err)
		err = move_state(mirror);
	if (err)
		return err;
	err = apply_commit(&mirror->apply);
	if (err)
		return failed(mirror, "commit", err);
	log_debug("epoch %" PRIu64 ": %u pages, pause %" PRIu64 " us", cut->epoch, cut->dirty,
	          cut->pause / 1000);
	return 0;
}

static int step(struct mirror *mirror, uint16_t domain, struct checkpoint_hash *hash)
{
	int err = hyper_hash_step(&mirror->hyper, domain, hash);

	return err ? failed(mirror, "hash its memory", err) : 0;
}

/* Steps are of so many pages, so as long as both have the same they end at the same gfn. */
int mirror_check(struct mirror *mirror)
{
	struct checkpoint_hash source = { 0 }, shadow = { 0 };
	uint64_t from = 0;
	int err = 0;

	while (!err && source.gfn != CHECKPOINT_HASH_DONE) {
		from = source.gfn;
		err = step(mirror, mirror->capture.domain, &source);
		if (!err)
			err = step(mirror, mirror->apply.domain, &shadow);
		if (err || !memcmp(&source, &shadow, sizeof(source)))
			continue;
		log_error("epoch %" PRIu64 ": the shadow's memory differs from the guest's between "
		          "gfn %#" PRIx64 " (%" PRIu64 " pages) and %#" PRIx64 " (%" PRIu64
		          " pages), from %#" PRIx64,
		          mirror->capture.cut.epoch, source.gfn, source.pages, shadow.gfn,
		          shadow.pages, from);
		err = -EILSEQ;
	}
	return err;
}

void mirror_report(const struct mirror *mirror)
{
	uint64_t epochs = mirror->epochs ? mirror->epochs : 1;

	printf("%" PRIu64 " epochs, %" PRIu64 " pages, at most %" PRIu64 " in one; pause %" PRIu64
	       " us in the mean, %" PRIu64 " us at most; %" PRIu64 " old versions checked\n",
	       mirror->epochs, mirror->pages, mirror->pages_most, mirror->pause_sum / epochs / 1000,
	       mirror->pause_most / 1000, mirror->old);
	fflush(stdout);
}

void mirror_close(struct mirror *mirror)
{
	shadow_memory_close(&mirror->memory);
	capture_end(&mirror->capture);
	apply_end(&mirror->apply);
	hyper_close(&mirror->hyper);
}
