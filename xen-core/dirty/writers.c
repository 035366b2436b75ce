/* Who writes a domain's pages unseen: those pages are dirty in every epoch. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "dirty/writers.h"

#include "lib/assert.h"
#include "lib/errno.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "mm/host_map.h"
#include "p2m/protect.h"

struct writer {
	struct list link; /* in the map's list */
	gfn_t gfn;
	unsigned count; /* of those who say when they end */
	bool foreign;
};

static void (*foreign_hook)(mfn_t mfn);

static struct writer *find(struct p2m *p2m, gfn_t gfn)
{
	LIST_FOR_EACH(item, &p2m->writers) {
		struct writer *writer = LIST_ENTRY(item, struct writer, link);

		if (writer->gfn.v == gfn.v)
			return writer;
	}
	return NULL;
}

static struct writer *find_or_make(struct p2m *p2m, gfn_t gfn)
{
	struct writer *writer = find(p2m, gfn);

	if (writer)
		return writer;
	writer = heap_alloc(sizeof(*writer));
	if (!writer)
		return NULL;
	writer->gfn = gfn;
	list_push_back(&p2m->writers, &writer->link);
	return writer;
}

static void free_if_unused(struct writer *writer)
{
	if (writer->count || writer->foreign)
		return;
	list_remove(&writer->link);
	heap_free(writer);
}

static void note(struct p2m *p2m, gfn_t gfn)
{
	enum p2m_type type;
	mfn_t mfn = p2m_peek(p2m, gfn, &type, NULL);

	if (type == P2M_RAM)
		dirty_note(p2m, gfn, mfn);
}

/* One that was entered at this cut already has its twin: that is brought up to date. */
static void note_again(struct p2m *p2m, gfn_t gfn)
{
	const struct dirty_page *page = dirty_set_find(p2m->log->now, gfn);
	mfn_t mfn = p2m_peek(p2m, gfn, NULL, NULL);

	if (page && page->old < OLD_ABSENT && !mfn_is_none(mfn))
		twins_copy(&p2m->log->twins, page->old, mfn_to_virt(mfn));
	else
		note(p2m, gfn);
}

void writers_note(struct p2m *p2m)
{
	ASSERT(lock_is_held(&p2m->lock));
	LIST_FOR_EACH(item, &p2m->writers)
		note_again(p2m, LIST_ENTRY(item, struct writer, link)->gfn);
}

int dirty_writer_add(struct p2m *p2m, gfn_t gfn)
{
	struct writer *writer;

	lock_take(&p2m->lock);
	writer = find_or_make(p2m, gfn);
	if (writer) {
		writer->count++;
		note(p2m, gfn);
	}
	lock_release(&p2m->lock);
	return writer ? 0 : -ENOMEM;
}

void dirty_writer_drop(struct p2m *p2m, gfn_t gfn)
{
	struct writer *writer;

	lock_take(&p2m->lock);
	writer = find(p2m, gfn);
	ASSERT(writer && writer->count);
	writer->count--;
	free_if_unused(writer);
	lock_release(&p2m->lock);
}

int writers_add_foreign(struct p2m *p2m, mfn_t mfn)
{
	struct writer *writer = NULL;
	gfn_t gfn = GFN_NONE;

	lock_take(&p2m->lock);
	if (p2m->log)
		gfn = p2m_find(p2m, mfn);
	if (gfn.v != GFN_NONE.v) {
		writer = find_or_make(p2m, gfn);
		if (writer)
			writer->foreign = true;
		else
			p2m->log->lost = true;
		note(p2m, gfn);
	}
	lock_release(&p2m->lock);
	return gfn.v == GFN_NONE.v || writer ? 0 : -ENOMEM;
}

void writers_forget_foreign(struct p2m *p2m)
{
	ASSERT(lock_is_held(&p2m->lock));
	LIST_FOR_EACH_SAFE(item, after, &p2m->writers) {
		struct writer *writer = LIST_ENTRY(item, struct writer, link);

		writer->foreign = false;
		free_if_unused(writer);
	}
}

void dirty_set_foreign_hook(void (*hook)(mfn_t mfn))
{
	foreign_hook = hook;
}

void dirty_foreign_written(mfn_t mfn)
{
	if (foreign_hook)
		foreign_hook(mfn);
}
