/* Self-tests: what a guest and the hypervisor write is found in the log, once, with what was there before. */
/* SPDX-License-Identifier: Apache-2.0 */

#include "dirty/access.h"
#include "dirty/log.h"
#include "dirty/writers.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "mm/host_map.h"
#include "p2m/protect.h"
#include "selftest/tiny.h"

#define LARGE 0x40000000UL /* guest-physical: a page of 2 MiB */

static uint8_t *page, *old; /* buffers */

/* The guest's exits up to the first that is not a write to a closed entry. */
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

static const char *attach(uint32_t twins, bool old_versions)
{
	const struct dirty_config config = { twins, true, old_versions };

	page = heap_alloc(PAGE_SIZE);
	old = heap_alloc(PAGE_SIZE);
	CHECK(page && old);
	CHECK(!dirty_attach(&tiny.domain->p2m, &config));
	CHECK(dirty_attach(&tiny.domain->p2m, &config) == -EBUSY);
	return NULL;
}

static void end(void)
{
	dirty_detach(&tiny.domain->p2m);
	heap_free(page);
	heap_free(old);
	tiny_end();
}

static int cut(struct p2m *p2m, uint32_t *count)
{
	int err = dirty_cut(p2m, count);

	if (!err)
		dirty_cut_writers(p2m);
	return err;
}

static struct dirty_taken take(void)
{
	struct dirty_taken taken;

	dirty_take(&tiny.domain->p2m, page, old, &taken);
	return taken;
}

static uint32_t first_word(const uint8_t *from)
{
	uint32_t word;

	memcpy(&word, from, sizeof(word));
	return word;
}

#define ATTACH(twins, old_versions)                                                                \
	do {                                                                                       \
		failed = attach(twins, old_versions);                                              \
		if (failed)                                                                        \
			return failed;                                                             \
	} while (0)

/* One page each epoch, its number of writes there; between them the guest is stopped by vmmcall. */
static const char *write_by_write(void)
{
	GUEST(0xff, 0x05, 0x00, 0x20, 0x00, 0x00, /* again: inc dword [DATA] */
	      0xff, 0x05, 0x00, 0x20, 0x00, 0x00, /* inc dword [DATA] */
	      0x0f, 0x01, 0xd9,                   /* vmmcall */
	      0xeb, 0xef);                        /* jmp again */
	struct dirty_taken taken;
	uint32_t count;

	ATTACH(4, true);
	for (unsigned i = 1; i <= 5; i++) {
		CHECK(run_logged().kind == EXIT_HYPERCALL);
		tiny.vcpu->regs.rip += 3;
		CHECK(!cut(&tiny.domain->p2m, &count) && count == 1);
		CHECK(tiny.domain->p2m.log->faults == i);
		CHECK(cut(&tiny.domain->p2m, &count) == -EBUSY);
		taken = take();
		CHECK(taken.kind == DIRTY_PAGE && taken.gfn.v == TINY_DATA >> PAGE_SHIFT);
		CHECK(taken.has_old && !taken.left);
		CHECK(first_word(page) == 2 * i && first_word(old) == 2 * i - 2);
		CHECK(take().kind == DIRTY_NO_MORE);
	}
	CHECK(tiny.domain->p2m.log->twins.free == 4);
	end();
	return NULL;
}

/* The guest writes on while the page of the epoch before is not fetched: that is as it was at the cut. */
static const char *snapshot(void)
{
	GUEST(0xff, 0x05, 0x00, 0x20, 0x00, 0x00, /* again: inc dword [DATA] */
	      0x0f, 0x01, 0xd9,                   /* vmmcall */
	      0xeb, 0xf5);                        /* jmp again */
	uint32_t count;

	ATTACH(1, false);
	CHECK(run_logged().kind == EXIT_HYPERCALL);
	tiny.vcpu->regs.rip += 3;
	CHECK(!cut(&tiny.domain->p2m, &count) && count == 1);
	CHECK(run_logged().kind == EXIT_HYPERCALL);
	CHECK(take().kind == DIRTY_PAGE && first_word(page) == 1);
	CHECK(!cut(&tiny.domain->p2m, &count) && count == 1);
	CHECK(take().kind == DIRTY_PAGE && first_word(page) == 2);
	end();
	return NULL;
}

/* Without a twin the writer waits until the page is fetched; the hypervisor's own writes do not. */
static const char *back_pressure(void)
{
	GUEST(0xff, 0x05, 0x00, 0x20, 0x00, 0x00, /* again: inc dword [DATA] */
	      0x0f, 0x01, 0xd9,                   /* vmmcall */
	      0xeb, 0xf5);                        /* jmp again */
	struct p2m *p2m = &tiny.domain->p2m;
	const uint32_t word = 0x1234;
	uint32_t count;

	ATTACH(0, false);
	CHECK(run_logged().kind == EXIT_HYPERCALL);
	tiny.vcpu->regs.rip += 3;
	CHECK(!cut(p2m, &count) && count == 1);
	CHECK(run_logged().kind == EXIT_NESTED_FAULT);
	CHECK(p2m->log->waits == 1);
	CHECK(!access_write(p2m, TINY_DATA, &word, sizeof(word)));
	CHECK(run_logged().kind == EXIT_HYPERCALL); /* entered already: the twin is there */
	CHECK(take().kind == DIRTY_PAGE && first_word(page) == 1);
	CHECK(!cut(p2m, &count) && count == 1);
	CHECK(take().kind == DIRTY_PAGE && first_word(page) == 0x1235);
	CHECK(!p2m->log->lost);
	end();
	return NULL;
}

/* Only the 4 KiB that were written, of a page of 2 MiB. */
static const char *large_page(void)
{
	GUEST(0xa3, 0x00, 0x30, 0x00, 0x40, /* mov [LARGE + 0x3000], eax */
	      0xa3, 0x00, 0x50, 0x00, 0x40, /* mov [LARGE + 0x5000], eax */
	      0xf4);                        /* hlt */
	mfn_t mfn = frame_alloc(P2M_ORDER_2M, tiny.domain->id);
	uint32_t count;

	CHECK(!mfn_is_none(mfn));
	CHECK(!p2m_map(&tiny.domain->p2m, GFN(LARGE >> PAGE_SHIFT), mfn, P2M_ORDER_2M, P2M_RAM));
	ATTACH(0, false);
	CHECK(run_logged().kind == EXIT_HLT);
	CHECK(!cut(&tiny.domain->p2m, &count) && count == 2);
	CHECK(take().gfn.v == (LARGE >> PAGE_SHIFT) + 5);
	CHECK(take().gfn.v == (LARGE >> PAGE_SHIFT) + 3);
	CHECK(tiny.domain->p2m.log->faults == 2);
	end();
	return NULL;
}

/* A page that goes after the cut is fetched as it was; one that comes was not there. */
static const char *coming_and_going(void)
{
	GUEST(0xff, 0x05, 0x00, 0x20, 0x00, 0x00, /* inc dword [DATA] */
	      0xf4);                              /* hlt */
	struct p2m *p2m = &tiny.domain->p2m;
	uint32_t count;
	mfn_t mfn;

	ATTACH(1, false);
	CHECK(run_logged().kind == EXIT_HLT);
	CHECK(!cut(p2m, &count) && count == 1);
	CHECK(p2m_unmap(p2m, GFN(TINY_DATA >> PAGE_SHIFT)) == P2M_RAM);
	CHECK(!tiny_map_new_page(TINY_HOLE, &mfn));
	CHECK(take().kind == DIRTY_PAGE && first_word(page) == 1);
	CHECK(!cut(p2m, &count) && count == 2);
	CHECK(p2m_unmap(p2m, GFN(TINY_HOLE >> PAGE_SHIFT)) == P2M_RAM);
	CHECK(!tiny_map_new_page(TINY_DATA, &mfn));
	CHECK(take().kind == DIRTY_PAGE); /* HOLE, then, of zeros */
	CHECK(take().kind == DIRTY_ABSENT);
	CHECK(!cut(p2m, &count) && count == 2);
	CHECK(take().kind == DIRTY_PAGE && take().kind == DIRTY_ABSENT);
	end();
	return NULL;
}

/* Pages that others write unseen are in every epoch, with their contents at the cut. */
static const char *writers(void)
{
	GUEST(0xf4);
	struct p2m *p2m = &tiny.domain->p2m;
	gfn_t gfn = GFN(TINY_DATA >> PAGE_SHIFT);
	struct access_pin pin;
	uint32_t count;

	CHECK(!access_pin(p2m, gfn, &pin));
	ATTACH(1, false);
	for (uint32_t i = 1; i <= 3; i++) {
		*(uint32_t *)pin.address = i;
		CHECK(!cut(p2m, &count) && count == 1);
		*(uint32_t *)pin.address = 100;
		CHECK(take().gfn.v == gfn.v && first_word(page) == i);
	}
	access_unpin(&pin);
	CHECK(!cut(p2m, &count) && count == 1);
	CHECK(take().kind == DIRTY_PAGE);
	CHECK(!writers_add_foreign(p2m, p2m_peek(p2m, gfn, NULL, NULL)));
	for (unsigned i = 0; i < 2; i++) {
		CHECK(!cut(p2m, &count) && count == 1);
		CHECK(take().kind == DIRTY_PAGE);
	}
	end();
	return NULL;
}

#define FOREIGN GFN(0x40000000UL >> PAGE_SHIFT)

static enum p2m_opened open_foreign(struct p2m *p2m)
{
	enum p2m_opened opened;

	lock_take(&p2m->lock);
	opened = p2m_open(p2m, FOREIGN);
	lock_release(&p2m->lock);
	return opened;
}

static const char *map_foreign(struct p2m *p2m)
{
	mfn_t mfn = frame_alloc(0, tiny.domain->id);

	CHECK(!mfn_is_none(mfn));
	CHECK(!p2m_map(p2m, FOREIGN, mfn, P2M_ORDER_4K, P2M_FOREIGN));
	return NULL;
}

/* While there is no log, foreign pages are written without a fault; with one, the first write is seen. */
static const char *foreign_watched(void)
{
	struct p2m *p2m;
	GUEST(0xf4);

	p2m = &tiny.domain->p2m;
	failed = map_foreign(p2m);
	CHECK(!failed);
	CHECK(open_foreign(p2m) == P2M_WAS_OPEN);
	lock_take(&p2m->lock);
	p2m_close_foreign(p2m);
	lock_release(&p2m->lock);
	CHECK(open_foreign(p2m) == P2M_OPENED);
	CHECK(p2m_unmap(p2m, FOREIGN) == P2M_FOREIGN);
	p2m_watch_foreign();
	failed = map_foreign(p2m);
	CHECK(!failed);
	p2m_unwatch_foreign();
	CHECK(open_foreign(p2m) == P2M_OPENED);
	CHECK(p2m_unmap(p2m, FOREIGN) == P2M_FOREIGN);
	ATTACH(16, false);
	CHECK(p2m_foreign_is_watched());
	dirty_detach(p2m);
	CHECK(!p2m_foreign_is_watched());
	end();
	return NULL;
}

/* When the log has ended the guest writes on, and nothing is left of the log. */
static const char *nothing_left(void)
{
	uint64_t before = frames_free();
	GUEST(0xff, 0x05, 0x00, 0x20, 0x00, 0x00, /* inc dword [DATA] */
	      0xf4);                              /* hlt */

	ATTACH(16, true);
	dirty_detach(&tiny.domain->p2m);
	CHECK(run_logged().kind == EXIT_HLT);
	end();
	CHECK(frames_free() == before);
	return NULL;
}

const struct selftest selftests_dirty[] = {
	{ "dirty_write_by_write", write_by_write },
	{ "dirty_snapshot", snapshot },
	{ "dirty_back_pressure", back_pressure },
	{ "dirty_large_page", large_page },
	{ "dirty_coming_and_going", coming_and_going },
	{ "dirty_writers", writers },
	{ "dirty_nothing_left", nothing_left },
	{ "dirty_foreign_watched", foreign_watched },
	{ NULL, NULL },
};
