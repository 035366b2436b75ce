/* The log of what is written to a domain's memory, epoch after epoch. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "dirty/log.h"

#include "dirty/writers.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/host_map.h"
#include "p2m/flush.h"
#include "p2m/protect.h"

#define GFN_ROOM  (GIB(2) >> PAGE_SHIFT) /* above the highest: what may come while the log is kept */
#define GFN_LIMIT (UINT32_MAX - 1UL)     /* of a log: gfns beyond lose it */

/* A twin for a page that is entered; OLD_NONE if it can do without. -EAGAIN: it cannot. */
static int choose_old(struct dirty_log *log, gfn_t gfn, bool may_wait, uint32_t *old)
{
	bool needed = log->config.snapshot && dirty_set_find(log->ended, gfn);

	*old = needed || log->config.old_versions ? twins_take(&log->twins) : OLD_NONE;
	if (!needed || *old != OLD_NONE)
		return 0;
	if (may_wait)
		return -EAGAIN;
	*old = twins_take_reserve(&log->twins);
	if (*old == OLD_NONE)
		log->lost = true;
	return 0;
}

static int enter(struct dirty_log *log, gfn_t gfn, mfn_t mfn, bool may_wait)
{
	uint32_t old = OLD_ABSENT;
	struct dirty_page *page;

	page = dirty_set_find(log->now, gfn);
	if (page)
		return 0;
	if (!mfn_is_none(mfn) && choose_old(log, gfn, may_wait, &old))
		return -EAGAIN;
	if (old < OLD_ABSENT)
		twins_copy(&log->twins, old, mfn_to_virt(mfn));
	page = dirty_set_add(log->now, gfn);
	if (page)
		page->old = old;
	else
		log->lost = true;
	if (!page && old < OLD_ABSENT)
		twins_give(&log->twins, old);
	return 0;
}

void dirty_note(struct p2m *p2m, gfn_t gfn, mfn_t mfn)
{
	ASSERT(lock_is_held(&p2m->lock));
	if (p2m->log)
		enter(p2m->log, gfn, mfn, false);
}

static int log_fault(struct p2m *p2m, gfn_t gfn, mfn_t mfn, enum p2m_type type)
{
	struct dirty_log *log = p2m->log;
	int err;

	if (!log || type != P2M_RAM)
		return 0;
	log->faults++;
	err = enter(log, gfn, mfn, true);
	if (err)
		log->waits++;
	return err;
}

static enum dirty_answer open_locked(struct p2m *p2m, gfn_t gfn, enum p2m_type *type, mfn_t *mfn,
                                     bool *again)
{
	enum p2m_opened opened;

	*mfn = p2m_peek(p2m, gfn, type, NULL);
	if (!p2m_type_is_writable(*type))
		return DIRTY_REFUSED;
	if (log_fault(p2m, gfn, *mfn, *type))
		return DIRTY_WAIT;
	opened = p2m_open(p2m, gfn);
	*again = opened == P2M_WAS_OPEN;
	if (opened == P2M_OPENED_ALL && p2m->log)
		p2m->log->lost = true;
	return DIRTY_OPENED;
}

enum dirty_answer dirty_fault(struct p2m *p2m, gfn_t gfn)
{
	enum p2m_type type;
	enum dirty_answer answer;
	bool again = false;
	mfn_t mfn;

	lock_take(&p2m->lock);
	answer = open_locked(p2m, gfn, &type, &mfn, &again);
	lock_release(&p2m->lock);
	if (again)
		p2m_flush_here();
	if (answer == DIRTY_OPENED && type == P2M_FOREIGN)
		dirty_foreign_written(mfn);
	return answer;
}

static void log_free(struct dirty_log *log)
{
	dirty_set_destroy(&log->sets[0]);
	dirty_set_destroy(&log->sets[1]);
	twins_destroy(&log->twins);
	heap_free(log);
}

static struct dirty_log *log_new(const struct dirty_config *config, uint64_t limit)
{
	struct dirty_log *log = heap_alloc(sizeof(*log));

	if (!log)
		return NULL;
	log->config = *config;
	log->now = &log->sets[0];
	log->ended = &log->sets[1];
	if (dirty_set_create(log->now, limit) || dirty_set_create(log->ended, limit) ||
	    twins_create(&log->twins, config->twins)) {
		log_free(log);
		return NULL;
	}
	return log;
}

int dirty_attach(struct p2m *p2m, const struct dirty_config *config)
{
	struct dirty_log *log = log_new(config, MIN(p2m->highest.v + GFN_ROOM, GFN_LIMIT));
	bool taken;

	if (!log)
		return -ENOMEM;
	lock_take(&p2m->lock);
	taken = p2m->log;
	if (!taken) {
		p2m_watch_foreign();
		p2m->changing = dirty_note;
		p2m->log = log;
		writers_note(p2m);
		p2m_close(p2m);
	}
	lock_release(&p2m->lock);
	if (taken) {
		log_free(log);
		return -EBUSY;
	}
	p2m_flush(__atomic_load_n(&p2m->cpus, __ATOMIC_SEQ_CST));
	return 0;
}

void dirty_detach(struct p2m *p2m)
{
	struct dirty_log *log;

	lock_take(&p2m->lock);
	log = p2m->log;
	p2m->log = NULL;
	writers_forget_foreign(p2m);
	lock_release(&p2m->lock);
	if (!log)
		return;
	p2m_unwatch_foreign();
	log_free(log);
}

static void swap_sets(struct dirty_log *log)
{
	struct dirty_set *ended = log->now;

	log->now = log->ended;
	log->ended = ended;
}

int dirty_cut(struct p2m *p2m, uint32_t *count)
{
	struct dirty_log *log;
	int err = 0;

	lock_take(&p2m->lock);
	log = p2m->log;
	if (log->lost)
		err = -ENODATA;
	else if (log->ended->count)
		err = -EBUSY;
	if (!err) {
		*count = log->now->count;
		swap_sets(log);
		p2m_close(p2m);
	}
	lock_release(&p2m->lock);
	if (!err)
		p2m_flush(__atomic_load_n(&p2m->cpus, __ATOMIC_SEQ_CST));
	return err;
}

void dirty_cut_writers(struct p2m *p2m)
{
	lock_take(&p2m->lock);
	writers_note(p2m);
	lock_release(&p2m->lock);
}

static void read_frame(struct p2m *p2m, gfn_t gfn, void *contents, struct dirty_taken *taken)
{
	enum p2m_type type;
	mfn_t mfn = p2m_peek(p2m, gfn, &type, NULL);

	taken->kind = type == P2M_RAM || type == P2M_RAM_RO ? DIRTY_PAGE : DIRTY_ABSENT;
	if (taken->kind == DIRTY_PAGE && contents)
		memcpy(contents, mfn_to_virt(mfn), PAGE_SIZE);
}

void dirty_read(struct p2m *p2m, gfn_t gfn, void *contents, struct dirty_taken *taken)
{
	*taken = (struct dirty_taken){ .gfn = gfn };
	lock_take(&p2m->lock);
	read_frame(p2m, gfn, contents, taken);
	lock_release(&p2m->lock);
}

/* As it was at the cut: who wrote it since has kept that. -ENODATA: he has not. */
static int read_at_cut(struct p2m *p2m, gfn_t gfn, void *contents, struct dirty_taken *taken)
{
	const struct dirty_page *since = p2m->log ? dirty_set_find(p2m->log->now, gfn) : NULL;

	if (!since) {
		read_frame(p2m, gfn, contents, taken);
		return 0;
	}
	taken->kind = since->old == OLD_ABSENT ? DIRTY_ABSENT : DIRTY_PAGE;
	if (since->old < OLD_ABSENT)
		memcpy(contents, twins_page(&p2m->log->twins, since->old), PAGE_SIZE);
	return since->old == OLD_NONE ? -ENODATA : 0;
}

static void take_locked(struct p2m *p2m, void *contents, void *old, struct dirty_taken *taken)
{
	struct dirty_log *log = p2m->log;
	const struct dirty_page *page = dirty_set_last(log->ended);

	*taken = (struct dirty_taken){ .kind = DIRTY_NO_MORE };
	if (!page)
		return;
	taken->gfn = GFN(page->gfn);
	if (read_at_cut(p2m, taken->gfn, contents, taken))
		log->lost = true;
	if (page->old < OLD_ABSENT) {
		taken->has_old = old;
		if (old)
			memcpy(old, twins_page(&log->twins, page->old), PAGE_SIZE);
		twins_give(&log->twins, page->old);
	}
	dirty_set_drop_last(log->ended);
	taken->left = log->ended->count;
}

void dirty_take(struct p2m *p2m, void *contents, void *old, struct dirty_taken *taken)
{
	lock_take(&p2m->lock);
	take_locked(p2m, contents, old, taken);
	lock_release(&p2m->lock);
}

/* What has gone since the cut is in no entry of the map, but in the running epoch's set. */
int dirty_read_cut(struct p2m *p2m, gfn_t from, void *contents, struct dirty_taken *taken)
{
	int err = 0;

	*taken = (struct dirty_taken){ .kind = DIRTY_ABSENT };
	while (!err && taken->kind == DIRTY_ABSENT) {
		gfn_t next = p2m_next(p2m, from);
		gfn_t gone = GFN_NONE;

		lock_take(&p2m->lock);
		if (p2m->log)
			gone = dirty_set_next(p2m->log->now, from, next);
		taken->gfn = gone.v < next.v ? gone : next;
		if (taken->gfn.v == GFN_NONE.v)
			taken->kind = DIRTY_NO_MORE;
		else
			err = read_at_cut(p2m, taken->gfn, contents, taken);
		lock_release(&p2m->lock);
		from = GFN(taken->gfn.v + 1);
	}
	return err;
}

void dirty_bits(struct p2m *p2m, bool ended, uint64_t first, uint64_t count, uint8_t *bits)
{
	lock_take(&p2m->lock);
	dirty_set_bits(ended ? p2m->log->ended : p2m->log->now, first, count, bits);
	lock_release(&p2m->lock);
}

void dirty_stats(struct p2m *p2m, uint32_t *faults, uint32_t *pages)
{
	lock_take(&p2m->lock);
	*faults = (uint32_t)p2m->log->faults;
	*pages = p2m->log->now->count;
	lock_release(&p2m->lock);
}

void dirty_forget(struct p2m *p2m, bool lost)
{
	struct dirty_log *log = p2m->log;
	const struct dirty_page *page;

	lock_take(&p2m->lock);
	log->lost |= lost;
	for (; (page = dirty_set_last(log->ended)); dirty_set_drop_last(log->ended))
		if (page->old < OLD_ABSENT)
			twins_give(&log->twins, page->old);
	lock_release(&p2m->lock);
}
