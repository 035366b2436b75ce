/* The fake hypervisor: each operation on memory that is there. */
/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/fake_hyper.h"

static void *pointer(uint64_t address)
{
	return (void *)(uintptr_t)address;
}

static void put_page(uint8_t **place, const void *contents)
{
	if (!*place)
		*place = malloc(HYPER_PAGE_SIZE);
	memcpy(*place, contents, HYPER_PAGE_SIZE);
}

static void drop_page(uint8_t **place)
{
	free(*place);
	*place = NULL;
}

/* The contents at the cut are kept for who fetches them. */
static void end_epoch(struct fake_domain *domain)
{
	for (unsigned int gfn = 0; gfn < FAKE_GFNS; gfn++) {
		drop_page(&domain->ended_pages[gfn]);
		domain->dirty_ended[gfn] = domain->dirty[gfn];
		domain->dirty[gfn] = false;
		if (domain->dirty_ended[gfn] && domain->pages[gfn])
			put_page(&domain->ended_pages[gfn], domain->pages[gfn]);
	}
	memcpy(domain->cut_state, domain->state, FAKE_STATE);
}

static uint32_t count_left(const struct fake_domain *domain)
{
	uint32_t left = 0;

	for (unsigned int gfn = 0; gfn < FAKE_GFNS; gfn++)
		left += domain->dirty_ended[gfn];
	return left;
}

static int attach(struct fake_hyper *fake, struct fake_domain *domain, struct checkpoint_op *op)
{
	if (domain->is_attached)
		return -EBUSY;
	domain->is_attached = true;
	domain->epoch = 0;
	for (unsigned int gfn = 0; gfn < FAKE_GFNS; gfn++)
		domain->dirty[gfn] = domain->pages[gfn];
	end_epoch(domain);
	return 0;
}

static int detach(struct fake_hyper *fake, struct fake_domain *domain, struct checkpoint_op *op)
{
	if (!domain->is_attached)
		return -ENODEV;
	domain->is_attached = false;
	return 0;
}

static int cut(struct fake_hyper *fake, struct fake_domain *domain, struct checkpoint_op *op)
{
	if (!domain->is_attached)
		return -ENODEV;
	if (count_left(domain))
		return -EBUSY;
	end_epoch(domain);
	op->u.cut = (struct checkpoint_cut){
		.epoch = ++domain->epoch,
		.dirty = count_left(domain),
		.state_size = FAKE_STATE,
	};
	return 0;
}

static int fetch(struct fake_hyper *fake, struct fake_domain *domain, struct checkpoint_op *op)
{
	struct checkpoint_fetch *request = &op->u.fetch;
	uint32_t room = request->count, count = 0;

	if (!domain->is_attached)
		return -ENODEV;
	if (!room || room > CHECKPOINT_PAGES_MAX || (!request->contents && domain->epoch))
		return -EINVAL;
	if (fake->at_once && fake->at_once < room)
		room = fake->at_once;
	for (unsigned int gfn = 0; gfn < FAKE_GFNS && count < room; gfn++) {
		struct checkpoint_page *page = (struct checkpoint_page *)pointer(request->pages) +
		                               count;

		if (!domain->dirty_ended[gfn])
			continue;
		domain->dirty_ended[gfn] = false;
		*page = (struct checkpoint_page){ .gfn = gfn };
		if (!domain->ended_pages[gfn])
			page->flags = CHECKPOINT_PAGE_ABSENT;
		else if (request->contents)
			memcpy((uint8_t *)pointer(request->contents) +
			               (size_t)count * HYPER_PAGE_SIZE,
			       domain->ended_pages[gfn], HYPER_PAGE_SIZE);
		count++;
	}
	request->count = count;
	request->left = count_left(domain);
	return 0;
}

static int state(struct fake_hyper *fake, struct fake_domain *domain, struct checkpoint_op *op)
{
	if (!domain->is_attached)
		return -ENODEV;
	if (!domain->epoch)
		return -ENODATA;
	if (op->u.state.size < FAKE_STATE)
		return -ENOSPC;
	op->u.state.size = FAKE_STATE;
	memcpy(pointer(op->u.state.buffer), domain->cut_state, FAKE_STATE);
	return 0;
}

static int apply(struct fake_hyper *fake, struct fake_domain *domain, struct checkpoint_op *op)
{
	struct checkpoint_apply *request = &op->u.apply;
	const struct checkpoint_page *pages = pointer(request->pages);
	const uint8_t *contents = pointer(request->contents);
	uint32_t wanted = request->count, i;

	if (!wanted || wanted > CHECKPOINT_PAGES_MAX || !domain->is_paused)
		return -EINVAL;
	if (fake->at_once && fake->at_once < wanted)
		wanted = fake->at_once;
	for (i = 0; i < wanted; i++) {
		request->count = i;
		if (pages[i].gfn >= FAKE_GFNS || pages[i].flags & ~CHECKPOINT_PAGE_ABSENT)
			return -EINVAL;
		if (pages[i].flags & CHECKPOINT_PAGE_ABSENT)
			drop_page(&domain->pages[pages[i].gfn]);
		else
			put_page(&domain->pages[pages[i].gfn],
			         contents + (size_t)i * HYPER_PAGE_SIZE);
	}
	request->count = wanted;
	return 0;
}

static int load(struct fake_hyper *fake, struct fake_domain *domain, struct checkpoint_op *op)
{
	if (op->u.load.size != FAKE_STATE || !domain->is_paused)
		return -EINVAL;
	memcpy(domain->state, pointer(op->u.load.buffer), FAKE_STATE);
	return 0;
}

static int activate(struct fake_hyper *fake, struct fake_domain *domain, struct checkpoint_op *op)
{
	if (!domain->is_paused)
		return -EINVAL;
	if (op->u.activate.deadline && op->u.activate.deadline < 1000)
		return -ETIME;
	domain->is_paused = false;
	return 0;
}

static int hash(struct fake_hyper *fake, struct fake_domain *domain, struct checkpoint_op *op)
{
	struct checkpoint_hash *step = &op->u.hash;
	uint64_t end = step->gfn + 100;

	for (; step->gfn < FAKE_GFNS && step->gfn < end; step->gfn++) {
		if (!domain->pages[step->gfn])
			continue;
		step->hash += (step->gfn + 1) * (domain->pages[step->gfn][0] + 1u);
		step->pages++;
	}
	if (step->gfn == FAKE_GFNS)
		step->gfn = CHECKPOINT_HASH_DONE;
	return 0;
}

static int tell_clock(struct fake_hyper *fake, struct fake_domain *domain, struct checkpoint_op *op)
{
	op->u.clock.time = 1000;
	return 0;
}

static int written(struct fake_hyper *fake, struct fake_domain *domain, struct checkpoint_op *op)
{
	if (!domain->is_attached)
		return -ENODEV;
	for (unsigned int gfn = 0; gfn < FAKE_GFNS; gfn++)
		op->u.written.pages += domain->dirty[gfn];
	return 0;
}

static int serve(struct fake_hyper *fake, struct checkpoint_op *op)
{
	static int (*const operations[])(struct fake_hyper * fake, struct fake_domain * domain,
	                                 struct checkpoint_op * op) = {
		[CHECKPOINT_ATTACH] = attach,   [CHECKPOINT_DETACH] = detach,
		[CHECKPOINT_CUT] = cut,         [CHECKPOINT_FETCH] = fetch,
		[CHECKPOINT_STATE] = state,     [CHECKPOINT_APPLY] = apply,
		[CHECKPOINT_LOAD] = load,       [CHECKPOINT_ACTIVATE] = activate,
		[CHECKPOINT_HASH] = hash,       [CHECKPOINT_CLOCK] = tell_clock,
		[CHECKPOINT_WRITTEN] = written,
	};

	assert_int_equal(op->version, CHECKPOINT_VERSION);
	assert_true(op->operation >= CHECKPOINT_ATTACH && op->operation <= CHECKPOINT_WRITTEN);
	if (op->domain != 1 && op->domain != 2)
		return -ESRCH;
	return operations[op->operation](fake, fake_domain(fake, op->domain), op);
}

static int call(void *world, struct checkpoint_op *op)
{
	struct fake_hyper *fake = world;
	int err;

	if (++fake->calls == fake->fail_at)
		return fake->fail;
	err = serve(fake, op);
	if (fake->twist)
		fake->twist(op);
	return err;
}

static void *alloc(void *world, size_t bytes)
{
	struct fake_hyper *fake = world;

	if (++fake->allocs == fake->alloc_at)
		return NULL;
	fake->held++;
	return calloc(1, bytes);
}

static void release(void *world, void *memory, size_t bytes)
{
	struct fake_hyper *fake = world;

	/* Whoever says less than he has would not have given all of it back. */
	memset(memory, 0xdb, bytes);
	free(memory);
	fake->held--;
}

static void close_world(void *world)
{
	(void)world;
}

static const struct hyper_calls calls = { call, alloc, release, close_world };

void fake_open(struct fake_hyper *fake, struct hyper *hyper)
{
	memset(fake, 0, sizeof(*fake));
	fake->domains[1].is_paused = true;
	assert_int_equal(hyper_open_with(hyper, &calls, fake), 0);
}

void fake_close(struct fake_hyper *fake, struct hyper *hyper)
{
	hyper_close(hyper);
	for (unsigned int gfn = 0; gfn < 2 * FAKE_GFNS; gfn++) {
		struct fake_domain *domain = &fake->domains[gfn / FAKE_GFNS];

		drop_page(&domain->pages[gfn % FAKE_GFNS]);
		drop_page(&domain->ended_pages[gfn % FAKE_GFNS]);
	}
	assert_int_equal(fake->held, 0);
}

struct fake_domain *fake_domain(struct fake_hyper *fake, uint16_t domain)
{
	return &fake->domains[domain - 1];
}

void fake_write(struct fake_domain *domain, unsigned int gfn, uint8_t byte)
{
	uint8_t contents[HYPER_PAGE_SIZE];

	memset(contents, byte, sizeof(contents));
	put_page(&domain->pages[gfn], contents);
	domain->dirty[gfn] = true;
}

void fake_balloon(struct fake_domain *domain, unsigned int gfn)
{
	drop_page(&domain->pages[gfn]);
	domain->dirty[gfn] = true;
}

int fake_read(const struct fake_domain *domain, unsigned int gfn)
{
	return domain->pages[gfn] ? domain->pages[gfn][0] : -1;
}
