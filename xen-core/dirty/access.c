/* The hypervisor's one way to read and write guest memory. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "dirty/access.h"

#include "dirty/log.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/host_map.h"

static size_t chunk(paddr_t address, size_t length)
{
	return MIN(length, PAGE_SIZE - (address & (PAGE_SIZE - 1)));
}

static void *in_page(mfn_t mfn, paddr_t address)
{
	return (char *)mfn_to_virt(mfn) + (address & (PAGE_SIZE - 1));
}

/* Another domain's page: who has it logs it, before the lock of this map is taken. */
static void tell_owner(struct p2m *p2m, gfn_t gfn)
{
	enum p2m_type type;
	mfn_t mfn = p2m_get(p2m, gfn, &type);

	if (type == P2M_FOREIGN)
		dirty_foreign_written(mfn);
	if (!mfn_is_none(mfn))
		frame_put(mfn);
}

/*
 * A page to be written: on success the map's lock is held until page_written, so that the page's
 * entry into the log and the write lie in one epoch.
 */
static int page_to_write(struct p2m *p2m, paddr_t address, mfn_t *mfn)
{
	gfn_t gfn = GFN(address >> PAGE_SHIFT);
	enum p2m_type type;

	if (p2m->entries[P2M_FOREIGN])
		tell_owner(p2m, gfn);
	lock_take(&p2m->lock);
	*mfn = p2m_peek(p2m, gfn, &type, NULL);
	if (!p2m_type_is_writable(type) || type == P2M_DEVICE) {
		lock_release(&p2m->lock);
		return -EFAULT;
	}
	if (type == P2M_RAM)
		dirty_note(p2m, gfn, *mfn);
	return 0;
}

static void page_written(struct p2m *p2m)
{
	lock_release(&p2m->lock);
}

int access_read(struct p2m *p2m, paddr_t from, void *to, size_t length)
{
	char *out = to;

	while (length) {
		size_t n = chunk(from, length);
		mfn_t mfn = p2m_get(p2m, GFN(from >> PAGE_SHIFT), NULL);

		if (mfn_is_none(mfn))
			return -EFAULT;
		memcpy(out, in_page(mfn, from), n);
		frame_put(mfn);
		from += n;
		out += n;
		length -= n;
	}
	return 0;
}

int access_write(struct p2m *p2m, paddr_t to, const void *from, size_t length)
{
	const char *in = from;

	while (length) {
		size_t n = chunk(to, length);
		mfn_t mfn;
		int err = page_to_write(p2m, to, &mfn);

		if (err)
			return err;
		memcpy(in_page(mfn, to), in, n);
		page_written(p2m);
		to += n;
		in += n;
		length -= n;
	}
	return 0;
}

static bool exchange(void *at, uint64_t old, uint64_t new, size_t size)
{
	uint32_t old_half = (uint32_t)old;

	if (size == 4)
		return __atomic_compare_exchange_n((uint32_t *)at, &old_half, (uint32_t) new, false,
		                                   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	return __atomic_compare_exchange_n((uint64_t *)at, &old, new, false, __ATOMIC_SEQ_CST,
	                                   __ATOMIC_SEQ_CST);
}

int access_exchange(struct p2m *p2m, paddr_t at, uint64_t old, uint64_t new, size_t size)
{
	mfn_t mfn;
	bool done;
	int err = page_to_write(p2m, at, &mfn);

	if (err)
		return err;
	done = exchange(in_page(mfn, at), old, new, size);
	page_written(p2m);
	return done ? 0 : -EAGAIN;
}

/* If the page is at its place no more, what is written is nobody's but the caller's. */
void access_write_page(const struct access_page *page, size_t offset, const void *from,
                       size_t length)
{
	struct p2m *p2m = page->p2m;
	enum p2m_type type;

	lock_take(&p2m->lock);
	if (p2m_peek(p2m, page->gfn, &type, NULL).v == page->mfn.v && type == P2M_RAM)
		dirty_note(p2m, page->gfn, page->mfn);
	memcpy((char *)mfn_to_virt(page->mfn) + offset, from, length);
	lock_release(&p2m->lock);
}

int access_pin(struct p2m *p2m, gfn_t gfn, struct access_pin *pin)
{
	enum p2m_type type;
	mfn_t mfn = p2m_get(p2m, gfn, &type);

	if (mfn_is_none(mfn))
		return -EFAULT;
	if (type != P2M_RAM || dirty_writer_add(p2m, gfn)) {
		frame_put(mfn);
		return -EFAULT;
	}
	*pin = (struct access_pin){ p2m, gfn, mfn, mfn_to_virt(mfn) };
	return 0;
}

void access_unpin(struct access_pin *pin)
{
	if (pin->address) {
		dirty_writer_drop(pin->p2m, pin->gfn);
		frame_put(pin->mfn);
	}
	*pin = (struct access_pin){ .mfn = MFN_NONE };
}
