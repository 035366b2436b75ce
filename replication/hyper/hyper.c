/* Checkpoint operations as functions: the structure filled, the call made, the answer checked. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "replication/hyper/hyper.h"

#include <errno.h>
#include <string.h>

int hyper_open_with(struct hyper *hyper, const struct hyper_calls *calls, void *world)
{
	*hyper = (struct hyper){ .calls = calls, .world = world };
	hyper->op = hyper_alloc(hyper, sizeof(*hyper->op));
	if (hyper->op)
		return 0;
	hyper_close(hyper);
	return -ENOMEM;
}

void hyper_close(struct hyper *hyper)
{
	if (!hyper->calls)
		return;
	hyper_free(hyper, hyper->op, sizeof(*hyper->op));
	hyper->calls->close(hyper->world);
	hyper->calls = NULL;
}

void *hyper_alloc(struct hyper *hyper, size_t bytes)
{
	return hyper->calls->alloc(hyper->world, bytes);
}

void hyper_free(struct hyper *hyper, void *memory, size_t bytes)
{
	if (memory)
		hyper->calls->release(hyper->world, memory, bytes);
}

int hyper_pages_make(struct hyper *hyper, struct hyper_pages *pages, uint32_t room, int wants_old)
{
	size_t bytes = (size_t)room * HYPER_PAGE_SIZE;

	*pages = (struct hyper_pages){ .room = room };
	if (!room || room > CHECKPOINT_PAGES_MAX)
		return -EINVAL;
	pages->pages = hyper_alloc(hyper, room * sizeof(*pages->pages));
	pages->contents = hyper_alloc(hyper, bytes);
	pages->old = wants_old ? hyper_alloc(hyper, bytes) : NULL;
	if (pages->pages && pages->contents && (pages->old || !wants_old))
		return 0;
	hyper_pages_free(hyper, pages);
	return -ENOMEM;
}

int hyper_pages_make_list(struct hyper *hyper, struct hyper_pages *pages, uint32_t room)
{
	*pages = (struct hyper_pages){ .room = room };
	if (!room || room > CHECKPOINT_PAGES_MAX)
		return -EINVAL;
	pages->pages = hyper_alloc(hyper, room * sizeof(*pages->pages));
	return pages->pages ? 0 : -ENOMEM;
}

void hyper_pages_free(struct hyper *hyper, struct hyper_pages *pages)
{
	size_t bytes = (size_t)pages->room * HYPER_PAGE_SIZE;

	hyper_free(hyper, pages->pages, pages->room * sizeof(*pages->pages));
	hyper_free(hyper, pages->contents, bytes);
	hyper_free(hyper, pages->old, bytes);
	*pages = (struct hyper_pages){ 0 };
}

/* All fields but the operation's own. */
static struct checkpoint_op *prepare(struct hyper *hyper, uint16_t domain,
                                     enum checkpoint_operation operation)
{
	memset(hyper->op, 0, sizeof(*hyper->op));
	hyper->op->version = CHECKPOINT_VERSION;
	hyper->op->operation = operation;
	hyper->op->domain = domain;
	return hyper->op;
}

static int call(struct hyper *hyper)
{
	return hyper->calls->call(hyper->world, hyper->op);
}

static uint64_t address(const void *memory)
{
	return (uint64_t)(uintptr_t)memory;
}

int hyper_attach(struct hyper *hyper, uint16_t domain, const struct checkpoint_attach *attach)
{
	prepare(hyper, domain, CHECKPOINT_ATTACH)->u.attach = *attach;
	return call(hyper);
}

int hyper_detach(struct hyper *hyper, uint16_t domain)
{
	prepare(hyper, domain, CHECKPOINT_DETACH);
	return call(hyper);
}

int hyper_cut(struct hyper *hyper, uint16_t domain, struct checkpoint_cut *cut)
{
	struct checkpoint_op *op = prepare(hyper, domain, CHECKPOINT_CUT);
	int err = call(hyper);

	if (!err && op->u.cut.state_size > CHECKPOINT_STATE_MAX)
		err = -EPROTO;
	if (!err)
		*cut = op->u.cut;
	return err;
}

int hyper_fetch(struct hyper *hyper, uint16_t domain, struct hyper_pages *pages, uint32_t *left)
{
	struct checkpoint_op *op = prepare(hyper, domain, CHECKPOINT_FETCH);
	int err;

	op->u.fetch = (struct checkpoint_fetch){
		.count = pages->room,
		.pages = address(pages->pages),
		.contents = address(pages->contents),
		.old = address(pages->old),
	};
	pages->count = 0;
	err = call(hyper);
	if (err)
		return err;
	/* None, though some are left, would have us ask for ever. */
	if (op->u.fetch.count > pages->room || (!op->u.fetch.count && op->u.fetch.left))
		return -EPROTO;
	pages->count = op->u.fetch.count;
	*left = op->u.fetch.left;
	return 0;
}

int hyper_state(struct hyper *hyper, uint16_t domain, void *buffer, uint32_t *size)
{
	struct checkpoint_op *op = prepare(hyper, domain, CHECKPOINT_STATE);
	int err;

	op->u.state = (struct checkpoint_state){ .size = *size, .buffer = address(buffer) };
	err = call(hyper);
	if (!err && op->u.state.size > *size)
		err = -EPROTO;
	if (!err)
		*size = op->u.state.size;
	return err;
}

int hyper_apply(struct hyper *hyper, uint16_t domain, const struct hyper_pages *pages)
{
	uint32_t done = 0;

	while (done < pages->count) {
		struct checkpoint_op *op = prepare(hyper, domain, CHECKPOINT_APPLY);
		int err;

		op->u.apply = (struct checkpoint_apply){
			.count = pages->count - done,
			.pages = address(pages->pages + done),
			.contents = address(pages->contents + (size_t)done * HYPER_PAGE_SIZE),
		};
		err = call(hyper);
		if (err)
			return err;
		if (!op->u.apply.count || op->u.apply.count > pages->count - done)
			return -EPROTO;
		done += op->u.apply.count;
	}
	return 0;
}

int hyper_load(struct hyper *hyper, uint16_t domain, const void *buffer, uint32_t size)
{
	prepare(hyper, domain, CHECKPOINT_LOAD)->u.load = (struct checkpoint_load){
		.size = size,
		.buffer = address(buffer),
	};
	return call(hyper);
}

int hyper_activate(struct hyper *hyper, uint16_t domain, uint64_t deadline)
{
	prepare(hyper, domain, CHECKPOINT_ACTIVATE)->u.activate.deadline = deadline;
	return call(hyper);
}

int hyper_clock(struct hyper *hyper, uint16_t domain, uint64_t *now)
{
	struct checkpoint_op *op = prepare(hyper, domain, CHECKPOINT_CLOCK);
	int err = call(hyper);

	if (!err)
		*now = op->u.clock.time;
	return err;
}

int hyper_written(struct hyper *hyper, uint16_t domain, uint32_t *pages)
{
	struct checkpoint_op *op = prepare(hyper, domain, CHECKPOINT_WRITTEN);
	int err = call(hyper);

	if (!err)
		*pages = op->u.written.pages;
	return err;
}

int hyper_hash_step(struct hyper *hyper, uint16_t domain, struct checkpoint_hash *hash)
{
	struct checkpoint_op *op = prepare(hyper, domain, CHECKPOINT_HASH);
	int err;

	op->u.hash = *hash;
	err = call(hyper);
	/* A step that gets nowhere would have us ask for ever. */
	if (!err && op->u.hash.gfn <= hash->gfn)
		err = -EPROTO;
	if (!err)
		*hash = op->u.hash;
	return err;
}
