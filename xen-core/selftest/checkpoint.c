/* Self-tests: a guest is captured between two instructions, and another goes on from there. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "abi/narrow.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/state.h"
#include "dirty/access.h"
#include "event/channel.h"
#include "event/event.h"
#include "grant/active.h"
#include "grant/grant.h"
#include "hw/percpu.h"
#include "irq/vlapic.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "mm/host_map.h"
#include "selftest/tiny.h"
#include "vcpu/loaded.h"
#include "vcpu/ops.h"

/* Pages and state of the guest's epochs, as a primary would have them. */
static struct {
	struct tiny primary;
	uint8_t *state;
	size_t state_size;
} captured;

static struct vm_exit run_logged(void)
{
	struct vm_exit exit;

	do
		exit = tiny_run();
	while (exit.kind == EXIT_NESTED_FAULT && exit.fault.present && exit.fault.write &&
	       dirty_fault(&tiny.domain->p2m, GFN(exit.fault.address >> PAGE_SHIFT)) ==
	               DIRTY_OPENED);
	return exit;
}

/* A second domain that has the first one's place from here on; the first waits in captured. */
static const char *make_shadow(void)
{
	struct domain_config config = { .id = DOMID_INVALID, .max_vcpus = 1 };

	captured.primary = tiny;
	CHECK(!domain_create(&config, &tiny.domain));
	CHECK(!domain_vcpu_create(tiny.domain, 0, this_cpu()));
	tiny.domain->max_pages = 100;
	tiny.vcpu = tiny.domain->vcpus[0];
	return NULL;
}

static const char *copy_pages(struct domain *from, struct domain *to, unsigned *count)
{
	struct checkpoint_page page;
	uint32_t left;

	*count = 0;
	while (!checkpoint_fetch(from, &page, &left)) {
		page.flags &= ~CHECKPOINT_PAGE_OLD;
		CHECK(!checkpoint_apply(to, &page, from->checkpoint->contents));
		++*count;
	}
	return NULL;
}

/* Some pages at a time, as a caller would. */
static const char *hash(struct domain *domain, struct checkpoint_hash *sum)
{
	*sum = (struct checkpoint_hash){ 0 };
	while (sum->gfn != CHECKPOINT_HASH_DONE)
		CHECK(!checkpoint_hash(domain, sum, 1));
	return NULL;
}

static const char *same_memory(struct domain *one, struct domain *other, bool *same)
{
	struct checkpoint_hash sums[2];
	const char *failed = hash(one, &sums[0]);

	if (!failed)
		failed = hash(other, &sums[1]);
	*same = sums[0].hash == sums[1].hash && sums[0].pages == sums[1].pages;
	return failed;
}

static const char *cut(struct domain *domain)
{
	struct checkpoint_cut cut;

	CHECK(!checkpoint_cut(domain, &cut));
	captured.state = domain->checkpoint->state;
	captured.state_size = cut.state_size;
	CHECK(captured.state_size && captured.state_size % 8 == 0);
	return NULL;
}

static void end_both(void)
{
	tiny_end();
	tiny = captured.primary;
	if (tiny.domain->checkpoint)
		checkpoint_detach(tiny.domain);
	tiny_end();
}

#define TRY(call)                                                                                  \
	do {                                                                                       \
		failed = call;                                                                     \
		if (failed)                                                                        \
			return failed;                                                             \
	} while (0)

#define SWAP(a, b)                                                                                 \
	do {                                                                                       \
		struct tiny swapped = a;                                                           \
		a = b;                                                                             \
		b = swapped;                                                                       \
	} while (0)

/* Counts in memory and in a register; the shadow continues where the primary was cut. */
static const char *goes_on(void)
{
	const struct checkpoint_attach request = { 8, CHECKPOINT_OLD_VERSIONS };
	GUEST(0x40,                               /* again: inc eax */
	      0xff, 0x05, 0x00, 0x20, 0x00, 0x00, /* inc dword [DATA] */
	      0x0f, 0x01, 0xd9,                   /* vmmcall */
	      0xeb, 0xf4);                        /* jmp again */
	uint32_t counter;
	unsigned pages;

	CHECK(!checkpoint_attach(tiny.domain, &request));
	CHECK(checkpoint_attach(tiny.domain, &request) == -EBUSY);
	TRY(make_shadow());
	TRY(copy_pages(captured.primary.domain, tiny.domain, &pages));
	CHECK(pages == 2);
	for (uint32_t i = 1; i <= 3; i++) {
		struct tiny shadow = tiny;

		tiny = captured.primary;
		vcpu_load(tiny.vcpu);
		CHECK(run_logged().kind == EXIT_HYPERCALL);
		tiny.vcpu->regs.rip += 3;
		TRY(cut(tiny.domain));
		tiny = shadow;
		TRY(copy_pages(captured.primary.domain, tiny.domain, &pages));
		CHECK(pages == 1);
		domain_stop(tiny.domain);
		CHECK(!state_load(tiny.domain, captured.state, captured.state_size));
		CHECK(tiny.vcpu->info->time.flags == XEN_PVCLOCK_GUEST_STOPPED);
		domain_unpause(tiny.domain);
		CHECK(tiny.vcpu->regs.rax == i && tiny.vcpu->regs.rip == TINY_CODE + 10);
	}
	vcpu_load(tiny.vcpu);
	CHECK(run_logged().kind == EXIT_HYPERCALL && tiny.vcpu->regs.rax == 4);
	CHECK(!access_read(&tiny.domain->p2m, TINY_DATA, &counter, sizeof(counter)) &&
	      counter == 4);
	end_both();
	return NULL;
}

/* What waits for a vCPU is there after the move: an event being injected, vectors, timers, ports. */
static const char *what_waits(void)
{
	const struct injection event = { .kind = EVENT_INTERRUPT, .vector = 0x55 };
	const struct checkpoint_attach request = { 0, 0 };
	GUEST(0xf4);
	evtchn_port_t unbound, ipi, virq;
	struct evtchn_status status;
	struct state_lapic lapic;
	nanos_t due = NANOS(clock_now().v + SECONDS(1000));
	uint64_t time;
	unsigned pages;

	CHECK(!checkpoint_attach(tiny.domain, &request));
	CHECK(!event_alloc_unbound(tiny.domain, 0, &unbound));
	CHECK(!event_bind_ipi(tiny.domain, 0, &ipi));
	CHECK(!event_bind_virq(tiny.domain, VIRQ_TIMER, 0, &virq));
	CHECK(!event_send(tiny.domain, ipi));
	event_timer_singleshot(tiny.vcpu, due);
	vlapic_raise(tiny.vcpu, 0x66);
	vlapic_raise(tiny.vcpu, 0x77);
	vlapic_take(tiny.vcpu, 0x77);
	tiny.vcpu->nmi_pending = true;
	vcpu_ops->inject(tiny.vcpu, &event);
	time = clock_now().v;

	TRY(make_shadow());
	TRY(copy_pages(captured.primary.domain, tiny.domain, &pages));
	TRY(cut(captured.primary.domain));
	CHECK(!state_load(tiny.domain, captured.state, captured.state_size));

	CHECK(vcpu_ops->has_injection(tiny.vcpu));
	CHECK(vcpu_ops->get_injection(tiny.vcpu).vector == 0x55 && tiny.vcpu->nmi_pending);
	vlapic_save(tiny.vcpu, &lapic);
	CHECK(lapic.irr[1] == BIT(0x66 - 64) && lapic.isr[1] == BIT(0x77 - 64));
	status.port = unbound;
	CHECK(!event_status(tiny.domain, &status) && status.status == EVTCHNSTAT_unbound);
	status.port = ipi;
	CHECK(!event_status(tiny.domain, &status) && status.status == EVTCHNSTAT_ipi);
	CHECK(tiny.vcpu->virq_port[VIRQ_TIMER] == virq);
	CHECK(tiny.domain->shared_info->evtchn_pending[0] == BIT(ipi));
	CHECK(tiny.vcpu->info->evtchn_upcall_pending);
	CHECK(tiny.vcpu->singleshot.cpu);
	CHECK(tiny.vcpu->singleshot.expires.v + tiny.vcpu->time_offset == due.v);
	CHECK(clock_now().v + tiny.vcpu->time_offset >= time);
	end_both();
	return NULL;
}

/* A timer that has left its CPU's list, and whose event has not been raised yet, is not lost. */
static const char *timer_that_fires(void)
{
	const struct checkpoint_attach request = { 0, 0 };
	GUEST(0xf4);
	nanos_t due = NANOS(clock_now().v + SECONDS(1000));
	unsigned pages;

	CHECK(!checkpoint_attach(tiny.domain, &request));
	tiny.vcpu->singleshot.expires = due;
	tiny.vcpu->singleshot.firing = 1;
	TRY(make_shadow());
	TRY(copy_pages(captured.primary.domain, tiny.domain, &pages));
	TRY(cut(captured.primary.domain));
	captured.primary.vcpu->singleshot.firing = 0;
	CHECK(!state_load(tiny.domain, captured.state, captured.state_size));
	CHECK(tiny.vcpu->singleshot.cpu);
	CHECK(tiny.vcpu->singleshot.expires.v + tiny.vcpu->time_offset == due.v);
	end_both();
	return NULL;
}

static struct grant_entry_v1 *grant_data_page(struct domain *domain, grant_ref_t ref, domid_t to)
{
	mfn_t mfn;

	if (grant_table_frame(domain, 0, &mfn))
		return NULL;
	frame_put(mfn);
	*((struct grant_entry_v1 *)mfn_to_virt(mfn) +
	  ref) = (struct grant_entry_v1){ GTF_permit_access, to, TINY_DATA >> PAGE_SHIFT };
	return (struct grant_entry_v1 *)mfn_to_virt(mfn) + ref;
}

/* dom0's daemons have rings of the shadow mapped before it is loaded: what they hold stays theirs, or it is refused. */
static const char *held_grants(void)
{
	const struct checkpoint_attach request = { 0, 0 };
	struct grant_hold hold = { 0 };
	struct grant_entry_v1 *entry;
	unsigned pages;
	GUEST(0xf4);

	CHECK(!checkpoint_attach(tiny.domain, &request));
	CHECK(grant_data_page(tiny.domain, 1, 0));
	TRY(make_shadow());
	TRY(copy_pages(captured.primary.domain, tiny.domain, &pages));
	entry = grant_data_page(tiny.domain, 1, 0);
	CHECK(entry && grant_hold_next(&hold, tiny.domain, 1, 0, true) == GNTST_okay);
	TRY(cut(captured.primary.domain));
	CHECK(!state_load(tiny.domain, captured.state, captured.state_size));
	CHECK(entry->flags == (GTF_permit_access | GTF_reading | GTF_writing));
	CHECK(grant_data_page(captured.primary.domain, 1, 7));
	TRY(cut(captured.primary.domain));
	CHECK(state_load(tiny.domain, captured.state, captured.state_size) == -EBUSY);
	CHECK(entry->domid == 0);
	grant_let_go(&hold);
	CHECK(!state_load(tiny.domain, captured.state, captured.state_size));
	CHECK(entry->domid == 7 && entry->flags == GTF_permit_access);
	end_both();
	return NULL;
}

/* A 32-bit kernel's domain stays one: its ports, and the vcpu_info that it registered where 64 bits may not. */
static const char *narrow(void)
{
	const struct checkpoint_attach request = { 0, 0 };
	GUEST(0xf4);
	const struct narrow_vcpu_info *info;
	evtchn_port_t port = 0;
	unsigned pages;

	CHECK(!event_layout_change(tiny.domain, &layout_narrow));
	while (port < 40)
		CHECK(!event_bind_ipi(tiny.domain, 0, &port));
	CHECK(!access_pin(&tiny.domain->p2m, GFN(TINY_DATA >> PAGE_SHIFT), &tiny.vcpu->info_pin));
	event_vcpu_info_move(tiny.vcpu, (void *)((char *)tiny.vcpu->info_pin.address + 4));
	CHECK(!checkpoint_attach(tiny.domain, &request));
	TRY(make_shadow());
	CHECK(tiny.domain->layout == &layout_wide);
	TRY(copy_pages(captured.primary.domain, tiny.domain, &pages));
	TRY(cut(captured.primary.domain));
	CHECK(!state_load(tiny.domain, captured.state, captured.state_size));

	CHECK(tiny.domain->layout == &layout_narrow && tiny.vcpu->layout == &layout_narrow);
	info = (const void *)tiny.vcpu->info;
	CHECK(((uintptr_t)info & (PAGE_SIZE - 1)) == 4);
	tiny.vcpu->info->evtchn_upcall_pending = 0;
	*layout_word((void *)tiny.vcpu->info, layout_narrow.selector) = 0;
	CHECK(!event_send(tiny.domain, port));
	CHECK(info->evtchn_pending_sel == 2 && info->evtchn_upcall_pending && !info->arch[0]);

	/* Nor does one go on that says it is a 64-bit kernel's: this vcpu_info is none. */
	((struct state_domain *)(captured.state + sizeof(struct checkpoint_record) * 2 +
	                         sizeof(struct state_header)))
		->flags &= ~STATE_DOMAIN_NARROW;
	CHECK(state_load(tiny.domain, captured.state, captured.state_size) == -EINVAL);
	CHECK(tiny.domain->layout == &layout_narrow);
	end_both();
	return NULL;
}

/* Cut short or changed at any byte, a chain is refused or taken up; nothing else happens. */
static const char *breaches(void)
{
	const struct checkpoint_attach request = { 0, 0 };
	uint64_t before = frames_free();
	GUEST(0xf4);
	uint8_t *copy;
	unsigned pages;

	CHECK(!checkpoint_attach(tiny.domain, &request));
	TRY(make_shadow());
	TRY(copy_pages(captured.primary.domain, tiny.domain, &pages));
	TRY(cut(captured.primary.domain));
	copy = heap_alloc(captured.state_size);
	CHECK(copy);
	memcpy(copy, captured.state, captured.state_size);
	for (size_t size = 0; size < captured.state_size; size += 8)
		CHECK(state_load(tiny.domain, copy, size) == -EINVAL);
	for (size_t i = 0; i < captured.state_size; i++) {
		copy[i] ^= (uint8_t)(i * 37 | 1);
		state_load(tiny.domain, copy, captured.state_size);
		copy[i] = captured.state[i];
	}
	CHECK(!state_load(tiny.domain, copy, captured.state_size));
	heap_free(copy);
	end_both();
	CHECK(frames_free() == before);
	return NULL;
}

/* The sum is of the memory at the cut, though pages were written, came and went since. */
static const char *hashes(void)
{
	const struct checkpoint_attach request = { 8, CHECKPOINT_OLD_VERSIONS };
	GUEST(0xff, 0x05, 0x00, 0x20, 0x00, 0x00, /* inc dword [DATA] */
	      0x0f, 0x01, 0xd9);                  /* vmmcall */
	const uint64_t top[2] = { BIT(63), BIT(63) };
	struct checkpoint_hash sum;
	unsigned pages;
	mfn_t mfn;
	bool same;

	CHECK(!checkpoint_attach(tiny.domain, &request));
	TRY(make_shadow());
	TRY(copy_pages(captured.primary.domain, tiny.domain, &pages));
	TRY(same_memory(captured.primary.domain, tiny.domain, &same));
	CHECK(same);
	SWAP(tiny, captured.primary);
	vcpu_load(tiny.vcpu);
	CHECK(run_logged().kind == EXIT_HYPERCALL);
	CHECK(!tiny_map_new_page(TINY_HOLE, &mfn));
	TRY(same_memory(tiny.domain, captured.primary.domain, &same));
	CHECK(same);
	TRY(cut(tiny.domain));
	TRY(same_memory(tiny.domain, captured.primary.domain, &same));
	CHECK(!same);
	TRY(copy_pages(tiny.domain, captured.primary.domain, &pages));
	CHECK(p2m_unmap(&tiny.domain->p2m, GFN(TINY_HOLE >> PAGE_SHIFT)) == P2M_RAM);
	CHECK(!access_write(&tiny.domain->p2m, TINY_DATA, top, sizeof(top)));
	TRY(same_memory(tiny.domain, captured.primary.domain, &same));
	CHECK(same);
	TRY(hash(tiny.domain, &sum));
	CHECK(sum.pages == 3);
	TRY(cut(tiny.domain));
	TRY(same_memory(tiny.domain, captured.primary.domain, &same));
	CHECK(!same);
	TRY(copy_pages(tiny.domain, captured.primary.domain, &pages));
	TRY(same_memory(tiny.domain, captured.primary.domain, &same));
	CHECK(same);
	SWAP(tiny, captured.primary);
	end_both();
	return NULL;
}

/* Without old versions: a page that is written loses what it was. */
static const char *hashes_no_more(void)
{
	const struct checkpoint_attach request = { 0, 0 };
	struct checkpoint_hash sum = { 0 };
	GUEST(0xf4);

	CHECK(!checkpoint_attach(tiny.domain, &request));
	CHECK(!checkpoint_hash(tiny.domain, &sum, 100) && sum.pages == 2);
	CHECK(!access_write(&tiny.domain->p2m, TINY_DATA, code, sizeof(code)));
	sum = (struct checkpoint_hash){ 0 };
	CHECK(checkpoint_hash(tiny.domain, &sum, 100) == -ENODATA);
	checkpoint_detach(tiny.domain);
	tiny_end();
	return NULL;
}

#define LISTED_MOST 8

/* The pages of epoch 0 can be listed without their contents, and of no other. */
static const char *list(void)
{
	const struct checkpoint_attach request = { 8, 0 };
	struct checkpoint_page page, listed[LISTED_MOST];
	unsigned count = 0, fetched = 0;
	uint32_t left;
	GUEST(0xf4);

	CHECK(!checkpoint_attach(tiny.domain, &request));
	while (count < LISTED_MOST && !checkpoint_list(tiny.domain, &listed[count], &left))
		count++;
	CHECK(count == 2 && checkpoint_list(tiny.domain, &page, &left) == -EINVAL);
	checkpoint_detach(tiny.domain);
	CHECK(!checkpoint_attach(tiny.domain, &request));
	for (; !checkpoint_fetch(tiny.domain, &page, &left); fetched++)
		CHECK(fetched < count && listed[fetched].gfn == page.gfn && !listed[fetched].flags);
	CHECK(fetched == count);
	checkpoint_detach(tiny.domain);
	tiny_end();
	return NULL;
}

static const char *write_and_fetch(uint64_t value, struct checkpoint_page *page)
{
	const char *failed;
	uint32_t left;

	CHECK(!access_write(&tiny.domain->p2m, TINY_DATA, &value, sizeof(value)));
	TRY(cut(tiny.domain));
	CHECK(!checkpoint_fetch(tiny.domain, page, &left) && !left);
	CHECK(page->gfn == TINY_DATA >> PAGE_SHIFT);
	return NULL;
}

/* A page is given with epoch 0 after it was written, and then has its first contents again: those must be told, not left out as what
 * has not changed since the log began. */
static const char *there_and_back(void)
{
	const struct checkpoint_attach request = { 8, CHECKPOINT_OLD_VERSIONS };
	const uint64_t there = 1;
	struct checkpoint_page page;
	uint32_t left;
	GUEST(0xf4);

	CHECK(!checkpoint_attach(tiny.domain, &request));
	CHECK(!access_write(&tiny.domain->p2m, TINY_DATA, &there, sizeof(there)));
	while (!checkpoint_fetch(tiny.domain, &page, &left))
		;
	TRY(write_and_fetch(0, &page));
	CHECK(!(page.flags & CHECKPOINT_PAGE_OLD));
	TRY(write_and_fetch(2, &page));
	CHECK(page.flags & CHECKPOINT_PAGE_OLD);
	CHECK(*(uint64_t *)tiny.domain->checkpoint->old == 0);
	checkpoint_detach(tiny.domain);
	tiny_end();
	return NULL;
}

const struct selftest selftests_checkpoint[] = {
	{ "checkpoint_goes_on", goes_on },
	{ "checkpoint_what_waits", what_waits },
	{ "checkpoint_timer_that_fires", timer_that_fires },
	{ "checkpoint_held_grants", held_grants },
	{ "checkpoint_narrow", narrow },
	{ "checkpoint_breaches", breaches },
	{ "checkpoint_hashes", hashes },
	{ "checkpoint_hashes_no_more", hashes_no_more },
	{ "checkpoint_list", list },
	{ "checkpoint_there_and_back", there_and_back },
	{ NULL, NULL },
};
