/* Lazy write protection: closed at the top, pushed down by the faults that it makes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "p2m/protect.h"

#include "lib/assert.h"
#include "p2m/table.h"

static void set(uint64_t *entry, uint64_t value)
{
	__atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

static void close_table(uint64_t *table)
{
	for (unsigned i = 0; i < P2M_FANOUT; i++)
		if (p2m_entry_is_open(table[i]))
			set(&table[i], p2m_entry_close(table[i]));
}

void p2m_close(struct p2m *p2m)
{
	ASSERT(lock_is_held(&p2m->lock));
	close_table(table_of(p2m->root));
}

/*
 * What lies below a closed entry is closed before the entry is opened: no CPU has cached a right to
 * write from there since the flush that followed the closing, as it had none on the way.
 */
enum p2m_opened p2m_open(struct p2m *p2m, gfn_t gfn)
{
	uint64_t *table = table_of(p2m->root);
	enum p2m_opened result = P2M_WAS_OPEN;

	ASSERT(lock_is_held(&p2m->lock));
	for (unsigned level = P2M_LEVELS - 1;; level--) {
		uint64_t *entry = &table[index_at(gfn, level)];
		bool closed = !p2m_entry_is_open(*entry);

		ASSERT(p2m_entry_is_present(*entry));
		if (closed)
			result = P2M_OPENED;
		if (closed && level && p2m_entry_is_leaf(*entry, level) &&
		    p2m_split(p2m, entry, level)) {
			set(entry, p2m_entry_open(*entry));
			return P2M_OPENED_ALL;
		}
		if (p2m_entry_is_leaf(*entry, level)) {
			set(entry, p2m_entry_open(*entry));
			return result;
		}
		table = table_of(p2m_entry_mfn(*entry));
		if (!p2m_entry_is_open(*entry)) {
			close_table(table);
			set(entry, p2m_entry_open(*entry));
		}
	}
}

/* Calls for each leaf, in rising order, until it returns true. */
static bool each_leaf(mfn_t table, unsigned level, uint64_t first,
                      bool (*visit)(uint64_t *entry, unsigned order, uint64_t gfn, void *arg),
                      void *arg)
{
	for (unsigned i = 0; i < P2M_FANOUT; i++) {
		uint64_t *entry = &table_of(table)[i];
		uint64_t gfn = first + ((uint64_t)i << order_at(level));

		if (!p2m_entry_is_present(*entry))
			continue;
		if (p2m_entry_is_leaf(*entry, level)
		            ? visit(entry, order_at(level), gfn, arg)
		            : each_leaf(p2m_entry_mfn(*entry), level - 1, gfn, visit, arg))
			return true;
	}
	return false;
}

static bool close_if_foreign(uint64_t *entry, unsigned order, uint64_t gfn, void *arg)
{
	(void)order;
	(void)gfn;
	(void)arg;
	if (p2m_entry_type(*entry) == P2M_FOREIGN)
		set(entry, p2m_entry_close(*entry));
	return false;
}

static unsigned foreign_watchers;

void p2m_watch_foreign(void)
{
	__atomic_fetch_add(&foreign_watchers, 1, __ATOMIC_SEQ_CST);
}

void p2m_unwatch_foreign(void)
{
	__atomic_fetch_sub(&foreign_watchers, 1, __ATOMIC_SEQ_CST);
}

bool p2m_foreign_is_watched(void)
{
	return __atomic_load_n(&foreign_watchers, __ATOMIC_SEQ_CST);
}

void p2m_close_foreign(struct p2m *p2m)
{
	ASSERT(lock_is_held(&p2m->lock));
	each_leaf(p2m->root, P2M_LEVELS - 1, 0, close_if_foreign, NULL);
}

struct search {
	mfn_t mfn;
	gfn_t found;
};

static bool is_it(uint64_t *entry, unsigned order, uint64_t gfn, void *arg)
{
	struct search *search = arg;
	uint64_t first = p2m_entry_mfn(*entry).v;

	if (p2m_entry_type(*entry) != P2M_RAM || search->mfn.v - first >= BIT(order))
		return false;
	search->found = GFN(gfn + search->mfn.v - first);
	return true;
}

gfn_t p2m_find(struct p2m *p2m, mfn_t mfn)
{
	struct search search = { mfn, GFN_NONE };

	ASSERT(lock_is_held(&p2m->lock));
	each_leaf(p2m->root, P2M_LEVELS - 1, 0, is_it, &search);
	return search.found;
}
