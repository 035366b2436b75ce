/* The map from a domain's frame numbers to the machine's: walk, map, split, unmap, destroy. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "p2m/p2m.h"

#include "hw/cpu.h"
#include "hw/ipi.h"
#include "hw/percpu.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/host_map.h"
#include "p2m/entry.h"
#include "p2m/flush.h"
#include "p2m/protect.h"
#include "p2m/table.h"

/*
 * Tables are only ever added while the domain lives, so a lower table, once seen, stays. A frame's
 * reference is dropped after the flush, never before: until then a CPU may still use it.
 */

static bool gfn_is_valid(gfn_t gfn)
{
	return !(gfn.v >> (P2M_FANOUT_SHIFT * P2M_LEVELS));
}

bool p2m_type_is_writable(enum p2m_type type)
{
	return type == P2M_RAM || type == P2M_SHARED || type == P2M_FOREIGN || type == P2M_GRANT ||
	       type == P2M_DEVICE;
}

static bool type_is_counted(enum p2m_type type)
{
	return type != P2M_NONE && type != P2M_DEVICE;
}

static mfn_t table_new(struct p2m *p2m)
{
	mfn_t table = frame_alloc(0, DOMID_XEN);

	if (!mfn_is_none(table))
		p2m->tables++;
	return table;
}

int p2m_init(struct p2m *p2m, domid_t owner)
{
	*p2m = (struct p2m){ .owner = owner };
	lock_init(&p2m->lock, LOCK_P2M);
	list_init(&p2m->writers);
	p2m->root = table_new(p2m);
	return mfn_is_none(p2m->root) ? -ENOMEM : 0;
}

int p2m_split(struct p2m *p2m, uint64_t *entry, unsigned level)
{
	mfn_t table = table_new(p2m);
	mfn_t first = p2m_entry_mfn(*entry);
	unsigned order = order_at(level - 1);

	if (mfn_is_none(table))
		return -ENOMEM;
	for (unsigned i = 0; i < P2M_FANOUT; i++) {
		uint64_t part = p2m_entry_leaf(MFN(first.v + ((uint64_t)i << order)), order,
		                               p2m_entry_type(*entry));

		table_of(table)[i] = p2m_entry_is_open(*entry) ? part : p2m_entry_close(part);
	}
	__atomic_store_n(entry, p2m_entry_table(table), __ATOMIC_RELEASE);
	return 0;
}

/*
 * The entry for gfn at a level, with the tables above it made and large pages above it split.
 * NULL for want of memory.
 */
static uint64_t *entry_make(struct p2m *p2m, gfn_t gfn, unsigned to_level)
{
	uint64_t *table = table_of(p2m->root);

	for (unsigned level = P2M_LEVELS - 1; level > to_level; level--) {
		uint64_t *entry = &table[index_at(gfn, level)];

		if (!p2m_entry_is_present(*entry)) {
			mfn_t lower = table_new(p2m);

			if (mfn_is_none(lower))
				return NULL;
			__atomic_store_n(entry, p2m_entry_table(lower), __ATOMIC_RELEASE);
		} else if (p2m_entry_is_leaf(*entry, level) && p2m_split(p2m, entry, level)) {
			return NULL;
		}
		table = table_of(p2m_entry_mfn(*entry));
	}
	return &table[index_at(gfn, to_level)];
}

/* The leaf that maps gfn and its level, or NULL. */
static uint64_t *entry_find(struct p2m *p2m, gfn_t gfn, unsigned *level)
{
	uint64_t *table = table_of(p2m->root);

	for (*level = P2M_LEVELS - 1;; (*level)--) {
		uint64_t *entry = &table[index_at(gfn, *level)];

		if (!p2m_entry_is_present(*entry))
			return NULL;
		if (p2m_entry_is_leaf(*entry, *level))
			return entry;
		table = table_of(p2m_entry_mfn(*entry));
	}
}

/* An empty table left by earlier unmaps may stand where a large leaf is wanted. */
static bool table_is_empty(mfn_t table)
{
	for (unsigned i = 0; i < P2M_FANOUT; i++)
		if (p2m_entry_is_present(table_of(table)[i]))
			return false;
	return true;
}

/* Whoever keeps a log of the map hears of pages that come (MFN_NONE: none was there) and go. */
static void tell_log(struct p2m *p2m, gfn_t gfn, uint64_t count, mfn_t old, enum p2m_type type)
{
	if (!p2m->log || (type != P2M_RAM && type != P2M_RAM_RO))
		return;
	for (uint64_t i = 0; i < count; i++)
		p2m->changing(p2m, GFN(gfn.v + i), old);
}

static int map_locked(struct p2m *p2m, gfn_t gfn, mfn_t mfn, unsigned order, enum p2m_type type)
{
	unsigned level = order / P2M_FANOUT_SHIFT;
	uint64_t *entry = entry_make(p2m, gfn, level);
	uint64_t value;

	if (!entry)
		return -ENOMEM;
	if (p2m_entry_is_present(*entry)) {
		bool stale = !p2m_entry_is_leaf(*entry, level) && level == 1 &&
		             table_is_empty(p2m_entry_mfn(*entry));

		if (!stale)
			return -EEXIST;
		frame_put(p2m_entry_mfn(*entry));
		p2m->tables--;
	}
	tell_log(p2m, gfn, BIT(order), MFN_NONE, type);
	/* dom0 maps much that it only reads: where a log is kept, its first write through the entry is to be seen. */
	value = p2m_entry_leaf(mfn, order, type);
	if (type == P2M_FOREIGN && p2m_foreign_is_watched())
		value = p2m_entry_close(value);
	__atomic_store_n(entry, value, __ATOMIC_RELEASE);
	p2m->entries[type] += BIT(order);
	if (type == P2M_RAM && gfn.v + BIT(order) - 1 > p2m->highest.v)
		p2m->highest = GFN(gfn.v + BIT(order) - 1);
	return 0;
}

int p2m_map(struct p2m *p2m, gfn_t gfn, mfn_t mfn, unsigned order, enum p2m_type type)
{
	int err;

	ASSERT(order == P2M_ORDER_4K || order == P2M_ORDER_2M || order == P2M_ORDER_1G);
	ASSERT(!((gfn.v | mfn.v) & (BIT(order) - 1)));
	if (!gfn_is_valid(gfn))
		return -EINVAL;
	p2m_settle(p2m);
	lock_take(&p2m->lock);
	err = map_locked(p2m, gfn, mfn, order, type);
	lock_release(&p2m->lock);
	return err;
}

/* Takes the entry out; the frame's reference is now the caller's. */
static enum p2m_type clear_locked(struct p2m *p2m, gfn_t gfn, mfn_t *mfn)
{
	unsigned level;
	uint64_t *entry = entry_find(p2m, gfn, &level);
	enum p2m_type type;

	if (!entry)
		return P2M_NONE;
	if (level) {
		entry = entry_make(p2m, gfn, 0);
		if (!entry)
			return P2M_NONE;
	}
	type = p2m_entry_type(*entry);
	*mfn = p2m_entry_mfn(*entry);
	tell_log(p2m, gfn, 1, *mfn, type);
	__atomic_store_n(entry, 0, __ATOMIC_RELEASE);
	p2m->entries[type]--;
	return type;
}

/* One CPU at a time: that nothing is left and nobody settles means that all is flushed. */
static bool settle_begin(struct p2m *p2m, mfn_t frames[P2M_LEAVING], unsigned *count)
{
	bool mine;

	lock_take(&p2m->lock);
	mine = p2m->leaving_count && !p2m->settling;
	if (mine) {
		*count = p2m->leaving_count;
		memcpy(frames, p2m->leaving, *count * sizeof(*frames));
		__atomic_store_n(&p2m->settling, true, __ATOMIC_SEQ_CST);
		__atomic_store_n(&p2m->leaving_count, 0, __ATOMIC_SEQ_CST);
	}
	lock_release(&p2m->lock);
	return mine;
}

void p2m_settle(struct p2m *p2m)
{
	mfn_t frames[P2M_LEAVING];
	unsigned count;

	while (p2m_is_unsettled(p2m)) {
		if (!settle_begin(p2m, frames, &count)) {
			ipi_serve(this_cpu());
			cpu_relax();
			continue;
		}
		p2m_flush(__atomic_load_n(&p2m->cpus, __ATOMIC_SEQ_CST));
		__atomic_store_n(&p2m->settling, false, __ATOMIC_SEQ_CST);
		while (count)
			frame_put(frames[--count]);
	}
}

/* False: there is no room, or it is not of the kind that may wait. */
static bool leave_locked(struct p2m *p2m, mfn_t mfn, enum p2m_type type)
{
	if ((type != P2M_FOREIGN && type != P2M_FOREIGN_RO) || p2m->leaving_count == P2M_LEAVING)
		return false;
	p2m->leaving[p2m->leaving_count] = mfn;
	__atomic_store_n(&p2m->leaving_count, p2m->leaving_count + 1, __ATOMIC_SEQ_CST);
	return true;
}

enum p2m_type p2m_unmap_if(struct p2m *p2m, gfn_t gfn, unsigned long types)
{
	mfn_t mfn = MFN_NONE;
	enum p2m_type type;
	bool waits;

	if (!gfn_is_valid(gfn))
		return P2M_NONE;
	if (__atomic_load_n(&p2m->leaving_count, __ATOMIC_RELAXED) == P2M_LEAVING)
		p2m_settle(p2m);
	lock_take(&p2m->lock);
	p2m_peek(p2m, gfn, &type, NULL);
	type = types & BIT(type) ? clear_locked(p2m, gfn, &mfn) : P2M_NONE;
	waits = leave_locked(p2m, mfn, type);
	lock_release(&p2m->lock);
	if (type == P2M_NONE || waits)
		return type;
	p2m_flush(__atomic_load_n(&p2m->cpus, __ATOMIC_SEQ_CST));
	if (type_is_counted(type))
		frame_put(mfn);
	return type;
}

enum p2m_type p2m_unmap(struct p2m *p2m, gfn_t gfn)
{
	return p2m_unmap_if(p2m, gfn, ~0UL);
}

bool p2m_take_grant(struct p2m *p2m, gfn_t gfn, mfn_t *mfn)
{
	enum p2m_type type;

	lock_take(&p2m->lock);
	p2m_peek(p2m, gfn, &type, NULL);
	if (type == P2M_GRANT || type == P2M_GRANT_RO)
		type = clear_locked(p2m, gfn, mfn);
	else
		type = P2M_NONE;
	lock_release(&p2m->lock);
	return type != P2M_NONE;
}

int p2m_replace(struct p2m *p2m, gfn_t gfn, mfn_t mfn, enum p2m_type type)
{
	mfn_t old = MFN_NONE;
	enum p2m_type old_type;
	int err;

	if (!gfn_is_valid(gfn))
		return -EINVAL;
	p2m_settle(p2m);
	lock_take(&p2m->lock);
	if (!entry_make(p2m, gfn, 0)) { /* with the path made, nothing below can fail */
		lock_release(&p2m->lock);
		return -ENOMEM;
	}
	old_type = clear_locked(p2m, gfn, &old);
	err = map_locked(p2m, gfn, mfn, P2M_ORDER_4K, type);
	ASSERT(!err);
	lock_release(&p2m->lock);
	if (old_type != P2M_NONE)
		p2m_flush(__atomic_load_n(&p2m->cpus, __ATOMIC_SEQ_CST));
	if (type_is_counted(old_type))
		frame_put(old);
	return 0;
}

mfn_t p2m_peek(struct p2m *p2m, gfn_t gfn, enum p2m_type *type, unsigned *order)
{
	unsigned level;
	uint64_t *entry = gfn_is_valid(gfn) ? entry_find(p2m, gfn, &level) : NULL;
	uint64_t value = entry ? __atomic_load_n(entry, __ATOMIC_ACQUIRE) : 0;

	if (!p2m_entry_is_present(value)) {
		if (type)
			*type = P2M_NONE;
		return MFN_NONE;
	}
	if (type)
		*type = p2m_entry_type(value);
	if (order)
		*order = order_at(level);
	return MFN(p2m_entry_mfn(value).v + (gfn.v & (BIT(order_at(level)) - 1)));
}

mfn_t p2m_get(struct p2m *p2m, gfn_t gfn, enum p2m_type *type)
{
	enum p2m_type found;
	mfn_t mfn;

	lock_take(&p2m->lock);
	mfn = p2m_peek(p2m, gfn, &found, NULL);
	if (type_is_counted(found))
		frame_get(mfn);
	else
		mfn = MFN_NONE;
	lock_release(&p2m->lock);
	if (type)
		*type = found;
	return mfn;
}

/* Steps over what a missing entry does not map. */
gfn_t p2m_next(struct p2m *p2m, gfn_t gfn)
{
	lock_take(&p2m->lock);
	while (gfn_is_valid(gfn)) {
		uint64_t *table = table_of(p2m->root);
		unsigned level = P2M_LEVELS - 1;
		uint64_t entry;

		while (p2m_entry_is_present(entry = table[index_at(gfn, level)]) &&
		       !p2m_entry_is_leaf(entry, level))
			table = table_of(p2m_entry_mfn(table[index_at(gfn, level--)]));
		if (p2m_entry_is_present(entry))
			break;
		gfn = GFN(ALIGN_DOWN(gfn.v, BIT(order_at(level))) + BIT(order_at(level)));
	}
	lock_release(&p2m->lock);
	return gfn_is_valid(gfn) ? gfn : GFN_NONE;
}

/* Returns the 4 KiB pages dropped. */
static uint64_t drop_leaf(struct p2m *p2m, uint64_t *entry, unsigned level)
{
	enum p2m_type type = p2m_entry_type(*entry);
	mfn_t mfn = p2m_entry_mfn(*entry);

	*entry = 0;
	p2m->entries[type] -= BIT(order_at(level));
	if (type_is_counted(type))
		frame_free(mfn, order_at(level));
	return BIT(order_at(level));
}

/* Empties entries until the budget is used up; returns what is left of it. A lower table goes with
 * its last entry. */
static uint64_t drop_table(struct p2m *p2m, mfn_t table, unsigned level, uint64_t budget)
{
	for (unsigned i = 0; i < P2M_FANOUT && budget; i++) {
		uint64_t *entry = &table_of(table)[i];

		if (!p2m_entry_is_present(*entry))
			continue;
		if (p2m_entry_is_leaf(*entry, level)) {
			budget -= MIN(budget, drop_leaf(p2m, entry, level));
			continue;
		}
		budget = drop_table(p2m, p2m_entry_mfn(*entry), level - 1, budget);
		if (budget) {
			frame_put(p2m_entry_mfn(*entry));
			p2m->tables--;
			*entry = 0;
		}
	}
	return budget;
}

bool p2m_relinquish(struct p2m *p2m, uint64_t budget)
{
	lock_take(&p2m->lock);
	budget = drop_table(p2m, p2m->root, P2M_LEVELS - 1, budget);
	lock_release(&p2m->lock);
	return budget;
}

void p2m_destroy(struct p2m *p2m)
{
	if (!p2m->root.v || mfn_is_none(p2m->root))
		return;
	ASSERT(!p2m->log && list_is_empty(&p2m->writers));
	p2m_settle(p2m);
	p2m_flush(p2m->cpus);
	while (!p2m_relinquish(p2m, ~0UL))
		;
	frame_put(p2m->root);
	p2m->root = MFN_NONE;
}
