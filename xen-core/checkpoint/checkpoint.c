/* Attached domains: the log begins and ends, epochs are cut and fetched. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/checkpoint.h"

#include "checkpoint/state.h"
#include "event/state.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "mm/heap.h"

/* The flag goes up before the state is looked at; who ends the domain does it the other way round. */
int checkpoint_begin(struct domain *domain)
{
	if (__atomic_exchange_n(&domain->checkpoint_busy, true, __ATOMIC_SEQ_CST))
		return -EBUSY;
	if (__atomic_load_n(&domain->state, __ATOMIC_SEQ_CST) < DOMAIN_DYING)
		return 0;
	checkpoint_end(domain);
	return -ESRCH;
}

void checkpoint_end(struct domain *domain)
{
	__atomic_store_n(&domain->checkpoint_busy, false, __ATOMIC_SEQ_CST);
}

static void checkpoint_free(struct checkpoint *checkpoint)
{
	heap_free(checkpoint->state);
	heap_free(checkpoint->contents);
	heap_free(checkpoint->old);
	heap_free(checkpoint);
}

static struct checkpoint *checkpoint_new(void)
{
	struct checkpoint *checkpoint = heap_alloc(sizeof(*checkpoint));

	if (!checkpoint)
		return NULL;
	checkpoint->contents = heap_alloc(PAGE_SIZE);
	checkpoint->old = heap_alloc(PAGE_SIZE);
	if (checkpoint->contents && checkpoint->old)
		return checkpoint;
	checkpoint_free(checkpoint);
	return NULL;
}

int checkpoint_attach(struct domain *domain, const struct checkpoint_attach *attach)
{
	const struct dirty_config config = {
		.twins = attach->twins,
		.snapshot = true,
		.old_versions = attach->flags & CHECKPOINT_OLD_VERSIONS,
	};
	struct checkpoint *checkpoint;
	int err;

	if (domain->checkpoint)
		return -EBUSY;
	checkpoint = checkpoint_new();
	if (!checkpoint)
		return -ENOMEM;
	err = dirty_attach(&domain->p2m, &config);
	if (err) {
		checkpoint_free(checkpoint);
		return err;
	}
	domain->checkpoint = checkpoint;
	return 0;
}

void checkpoint_detach(struct domain *domain)
{
	dirty_detach(&domain->p2m);
	checkpoint_free(domain->checkpoint);
	domain->checkpoint = NULL;
}

/* Found while the domain runs; a little more may be needed when it has stopped. */
static int make_room(struct domain *domain, struct state_room *room)
{
	struct checkpoint *checkpoint = domain->checkpoint;

	*room = state_room(domain);
	if (room->size <= checkpoint->state_room)
		return 0;
	heap_free(checkpoint->state);
	checkpoint->state_size = 0;
	checkpoint->state = heap_alloc(room->size);
	checkpoint->state_room = checkpoint->state ? room->size : 0;
	return checkpoint->state ? 0 : -ENOMEM;
}

/* Once more if an event was being delivered: its queue and what the state says of it belong together. */
static void capture(struct domain *domain, struct state_room room)
{
	struct checkpoint *checkpoint = domain->checkpoint;
	struct state_writer writer = { .room = room };
	uint64_t changes;

	do {
		changes = event_state_changes(domain);
		writer.at = checkpoint->state;
		state_save_vcpus(domain, &writer);
		dirty_cut_writers(&domain->p2m);
		state_save_rest(domain, &writer);
	} while (changes & 1 || changes != event_state_changes(domain));
	checkpoint->state_size = (size_t)(writer.at - (char *)checkpoint->state);
	ASSERT(checkpoint->state_size <= checkpoint->state_room);
}

static int cut_stopped(struct domain *domain, struct checkpoint_cut *cut)
{
	struct checkpoint *checkpoint = domain->checkpoint;
	struct state_room room;
	int err = make_room(domain, &room);

	if (!err)
		err = dirty_cut(&domain->p2m, &cut->dirty);
	if (err)
		return err;
	capture(domain, room);
	cut->state_size = (uint32_t)checkpoint->state_size;
	cut->epoch = ++checkpoint->epoch;
	return 0;
}

int checkpoint_cut(struct domain *domain, struct checkpoint_cut *cut)
{
	struct state_room room;
	nanos_t stopped;
	int err;

	if (domain->checkpoint->cursor.v != GFN_NONE.v)
		return -EBUSY;
	err = make_room(domain, &room);
	if (err)
		return err;
	stopped = clock_now();
	domain_stop(domain);
	cut->time = clock_now().v;
	err = cut_stopped(domain, cut);
	domain_unpause(domain);
	cut->pause = clock_now().v - stopped.v;
	return err;
}

/* Epoch 0: what lies there now. What is written after that is in epoch 1. */
static void fetch_first(struct domain *domain, void *contents, struct dirty_taken *taken,
                        uint32_t *left)
{
	struct checkpoint *checkpoint = domain->checkpoint;

	do {
		gfn_t gfn = p2m_next(&domain->p2m, checkpoint->cursor);

		*taken = (struct dirty_taken){ .kind = DIRTY_NO_MORE };
		checkpoint->cursor = gfn;
		if (gfn.v == GFN_NONE.v)
			break;
		dirty_read(&domain->p2m, gfn, contents, taken);
		checkpoint->cursor.v++;
	} while (taken->kind != DIRTY_PAGE);
	*left = checkpoint->cursor.v != GFN_NONE.v;
}

int checkpoint_fetch(struct domain *domain, struct checkpoint_page *page, uint32_t *left)
{
	struct checkpoint *checkpoint = domain->checkpoint;
	/* What is written in epoch 1 may have been given, with epoch 0, as it was at any moment since: nobody has its old version. */
	void *old = checkpoint->epoch > 1 ? checkpoint->old : NULL;
	struct dirty_taken taken;

	if (checkpoint->cursor.v != GFN_NONE.v) {
		fetch_first(domain, checkpoint->contents, &taken, left);
	} else {
		dirty_take(&domain->p2m, checkpoint->contents, old, &taken);
		*left = taken.left;
	}
	if (domain->p2m.log->lost)
		return -ENODATA;
	if (taken.kind == DIRTY_NO_MORE)
		return -ENOENT;
	*page = (struct checkpoint_page){
		.gfn = taken.gfn.v,
		.flags = (taken.kind == DIRTY_ABSENT ? CHECKPOINT_PAGE_ABSENT : 0) |
		         (taken.has_old ? CHECKPOINT_PAGE_OLD : 0),
	};
	return 0;
}

int checkpoint_list(struct domain *domain, struct checkpoint_page *page, uint32_t *left)
{
	struct dirty_taken taken;

	if (domain->checkpoint->cursor.v == GFN_NONE.v)
		return -EINVAL;
	fetch_first(domain, NULL, &taken, left);
	*page = (struct checkpoint_page){ .gfn = taken.gfn.v };
	return taken.kind == DIRTY_NO_MORE ? -ENOENT : 0;
}

static bool relinquish(struct domain *domain)
{
	if (__atomic_load_n(&domain->checkpoint_busy, __ATOMIC_SEQ_CST))
		return false;
	if (domain->checkpoint)
		checkpoint_detach(domain);
	dirty_detach(&domain->p2m);
	return true;
}

static void destroy(struct domain *domain)
{
	relinquish(domain);
}

const struct unit checkpoint_unit = {
	.name = "checkpoint",
	.domain_destroy = destroy,
	.domain_relinquish = relinquish,
};
