/* The checkpoint hypercall: arguments are checked here, checkpoint/ acts. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "hypercall/hypercall.h"

#include "checkpoint/checkpoint.h"
#include "checkpoint/state.h"
#include "domain/foreign.h"
#include "hw/timer.h"
#include "mm/heap.h"

#define HASHED_AT_ONCE 512
#define PAGES_AT_ONCE  32 /* before the caller's interrupts get their chance: it asks for the rest */
#define LISTED_AT_ONCE 64 /* without contents */

/* One operation: the domain is held, and nobody else's operation on it is under way. */
typedef long operation(struct hypercall *call, struct checkpoint_op *op, struct domain *domain);

static long attach(struct hypercall *call, struct checkpoint_op *op, struct domain *domain)
{
	const struct checkpoint_attach *request = &op->u.attach;

	long err;

	if (request->twins > CHECKPOINT_TWINS_MAX || request->flags & ~CHECKPOINT_OLD_VERSIONS)
		return -EINVAL;
	err = checkpoint_attach(domain, request);
	if (!err)
		domain_foreign_close(call->caller->domain);
	return err;
}

static long detach(struct hypercall *call, struct checkpoint_op *op, struct domain *domain)
{
	(void)call;
	(void)op;
	checkpoint_detach(domain);
	return 0;
}

static long cut(struct hypercall *call, struct checkpoint_op *op, struct domain *domain)
{
	(void)call;
	return checkpoint_cut(domain, &op->u.cut);
}

static long give_contents(struct hypercall *call, const struct checkpoint_fetch *request,
                          const struct checkpoint *from, const struct checkpoint_page *page,
                          uint32_t i)
{
	long err = 0;

	if (!(page->flags & CHECKPOINT_PAGE_ABSENT))
		err = copy_to_guest(call->caller, request->contents + i * PAGE_SIZE, from->contents,
		                    PAGE_SIZE);
	if (!err && page->flags & CHECKPOINT_PAGE_OLD)
		err = copy_to_guest(call->caller, request->old + i * PAGE_SIZE, from->old,
		                    PAGE_SIZE);
	return err;
}

static long fetch(struct hypercall *call, struct checkpoint_op *op, struct domain *domain)
{
	struct checkpoint_fetch *request = &op->u.fetch;
	uint32_t room = request->contents ? PAGES_AT_ONCE : LISTED_AT_ONCE;
	struct checkpoint_page pages[LISTED_AT_ONCE];
	uint32_t i;
	long err = 0;

	if (!request->count || request->count > CHECKPOINT_PAGES_MAX)
		return -EINVAL;
	request->left = 0;
	for (i = 0; i < MIN(request->count, room); i++) {
		err = request->contents ? checkpoint_fetch(domain, &pages[i], &request->left)
		                        : checkpoint_list(domain, &pages[i], &request->left);
		if (err)
			break;
		if (!request->old)
			pages[i].flags &= ~CHECKPOINT_PAGE_OLD;
		if (request->contents &&
		    give_contents(call, request, domain->checkpoint, &pages[i], i))
			return -EFAULT;
	}
	if (err && err != -ENOENT)
		return err;
	request->count = i;
	return copy_to_guest(call->caller, request->pages, pages, i * sizeof(pages[0]));
}

static long state(struct hypercall *call, struct checkpoint_op *op, struct domain *domain)
{
	const struct checkpoint *checkpoint = domain->checkpoint;
	struct checkpoint_state *request = &op->u.state;

	if (request->reserved)
		return -EINVAL;
	if (!checkpoint->epoch)
		return -ENODATA;
	if (request->size < checkpoint->state_size)
		return -ENOSPC;
	request->size = (uint32_t)checkpoint->state_size;
	return copy_to_guest(call->caller, request->buffer, checkpoint->state,
	                     checkpoint->state_size);
}

/* Nothing runs that could be surprised; what lets it run later is the same dom0. */
static bool is_paused(struct domain *domain)
{
	return __atomic_load_n(&domain->controller_pauses, __ATOMIC_RELAXED);
}

static long apply_one(struct hypercall *call, uint64_t from, struct domain *domain,
                      const struct checkpoint_page *page, void *contents)
{
	long err = 0;

	if (!(page->flags & CHECKPOINT_PAGE_ABSENT))
		err = copy_from_guest(call->caller, contents, from, PAGE_SIZE);
	return err ? err : checkpoint_apply(domain, page, contents);
}

/* The caller sees by the count how far it came. */
static long apply(struct hypercall *call, struct checkpoint_op *op, struct domain *domain)
{
	struct checkpoint_apply *request = &op->u.apply;
	uint32_t end = MIN(request->count, (uint32_t)PAGES_AT_ONCE);
	struct checkpoint_page pages[PAGES_AT_ONCE];
	void *contents;
	uint32_t i = 0;
	long err = 0;

	if (!request->count || request->count > CHECKPOINT_PAGES_MAX || request->reserved ||
	    !is_paused(domain))
		return -EINVAL;
	if (copy_from_guest(call->caller, pages, request->pages, end * sizeof(pages[0])))
		return -EFAULT;
	contents = heap_alloc(PAGE_SIZE);
	if (!contents)
		return -ENOMEM;
	while (i < end && !err) {
		err = apply_one(call, request->contents + i * PAGE_SIZE, domain, &pages[i],
		                contents);
		if (!err)
			i++;
	}
	heap_free(contents);
	request->count = i;
	return err;
}

static long load(struct hypercall *call, struct checkpoint_op *op, struct domain *domain)
{
	const struct checkpoint_load *request = &op->u.load;
	void *buffer;
	long err;

	if (!request->size || request->size > CHECKPOINT_STATE_MAX || request->reserved ||
	    !is_paused(domain))
		return -EINVAL;
	buffer = heap_alloc(request->size);
	if (!buffer)
		return -ENOMEM;
	err = copy_from_guest(call->caller, buffer, request->buffer, request->size);
	if (!err) {
		domain_stop(domain);
		err = state_load(domain, buffer, request->size);
		domain_unpause(domain);
	}
	heap_free(buffer);
	return err;
}

static long activate(struct hypercall *call, struct checkpoint_op *op, struct domain *domain)
{
	(void)call;
	return checkpoint_activate(domain, NANOS(op->u.activate.deadline));
}

static long hash(struct hypercall *call, struct checkpoint_op *op, struct domain *domain)
{
	(void)call;
	if (!domain->checkpoint && !is_paused(domain))
		return -EINVAL;
	return checkpoint_hash(domain, &op->u.hash, HASHED_AT_ONCE);
}

static long tell_clock(struct hypercall *call, struct checkpoint_op *op, struct domain *domain)
{
	(void)call;
	(void)domain;
	op->u.clock.time = clock_now().v;
	return 0;
}

static long written(struct hypercall *call, struct checkpoint_op *op, struct domain *domain)
{
	uint32_t faults;

	(void)call;
	if (op->u.written.reserved)
		return -EINVAL;
	dirty_stats(&domain->p2m, &faults, &op->u.written.pages);
	return 0;
}

static const struct {
	operation *serve;
	bool attached; /* wants the domain to be */
} operations[] = {
	[CHECKPOINT_ATTACH] = { attach, false },  [CHECKPOINT_DETACH] = { detach, true },
	[CHECKPOINT_CUT] = { cut, true },         [CHECKPOINT_FETCH] = { fetch, true },
	[CHECKPOINT_STATE] = { state, true },     [CHECKPOINT_APPLY] = { apply, false },
	[CHECKPOINT_LOAD] = { load, false },      [CHECKPOINT_ACTIVATE] = { activate, false },
	[CHECKPOINT_HASH] = { hash, false },      [CHECKPOINT_CLOCK] = { tell_clock, false },
	[CHECKPOINT_WRITTEN] = { written, true },
};

static bool is_complete(const struct domain *domain)
{
	for (unsigned i = 0; i < domain->vcpu_count; i++)
		if (!domain->vcpus[i])
			return false;
	return true;
}

static long serve(struct hypercall *call, struct checkpoint_op *op, struct domain *domain)
{
	long err;

	if (domain->privileged)
		return -EPERM;
	err = checkpoint_begin(domain);
	if (err)
		return err;
	if (!is_complete(domain))
		err = -EINVAL;
	else if (operations[op->operation].attached && !domain->checkpoint)
		err = -ENODEV;
	else
		err = operations[op->operation].serve(call, op, domain);
	checkpoint_end(domain);
	return err;
}

/* args: the structure, which goes back whatever the answer is. */
long hypercall_checkpoint_op(struct hypercall *call)
{
	struct checkpoint_op op;
	struct domain *domain;
	long err;

	if (!call->caller->domain->privileged)
		return -EPERM;
	if (copy_from_guest(call->caller, &op, call->args[0], sizeof(op)))
		return -EFAULT;
	if (op.version != CHECKPOINT_VERSION)
		return -EACCES;
	if (op.operation >= ARRAY_SIZE(operations) || !operations[op.operation].serve)
		return -ENOSYS;
	if (op.reserved[0] || op.reserved[1] || op.reserved[2])
		return -EINVAL;
	domain = domain_get(op.domain, call->caller);
	if (!domain)
		return -ESRCH;
	err = serve(call, &op, domain);
	domain_put(domain);
	if (copy_to_guest(call->caller, call->args[0], &op, sizeof(op)))
		return -EFAULT;
	return err;
}
