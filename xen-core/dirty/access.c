/* The hypervisor's one way to read and write guest memory. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "dirty/access.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/host_map.h"

static size_t chunk(paddr_t address, size_t length)
{
	return MIN(length, PAGE_SIZE - (address & (PAGE_SIZE - 1)));
}

static int page_get(struct p2m *p2m, paddr_t address, bool write, mfn_t *mfn)
{
	enum p2m_type type;

	*mfn = p2m_get(p2m, GFN(address >> PAGE_SHIFT), &type);
	if (mfn_is_none(*mfn))
		return -EFAULT;
	if (write && !p2m_type_is_writable(type)) {
		frame_put(*mfn);
		return -EFAULT;
	}
	return 0;
}

int access_read(struct p2m *p2m, paddr_t from, void *to, size_t length)
{
	char *out = to;

	while (length) {
		size_t n = chunk(from, length);
		mfn_t mfn;
		int err = page_get(p2m, from, false, &mfn);

		if (err)
			return err;
		memcpy(out, (char *)mfn_to_virt(mfn) + (from & (PAGE_SIZE - 1)), n);
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
		int err = page_get(p2m, to, true, &mfn);

		if (err)
			return err;
		memcpy((char *)mfn_to_virt(mfn) + (to & (PAGE_SIZE - 1)), in, n);
		frame_put(mfn);
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
	int err = page_get(p2m, at, true, &mfn);

	if (err)
		return err;
	done = exchange((char *)mfn_to_virt(mfn) + (at & (PAGE_SIZE - 1)), old, new, size);
	frame_put(mfn);
	return done ? 0 : -EAGAIN;
}

void access_write_page(const struct access_page *page, size_t offset, const void *from,
                       size_t length)
{
	memcpy((char *)mfn_to_virt(page->mfn) + offset, from, length);
}

int access_pin(struct p2m *p2m, gfn_t gfn, struct access_pin *pin)
{
	mfn_t mfn;
	int err = page_get(p2m, gfn.v << PAGE_SHIFT, true, &mfn);

	if (err)
		return err;
	*pin = (struct access_pin){ .mfn = mfn, .address = mfn_to_virt(mfn) };
	return 0;
}

void access_unpin(struct access_pin *pin)
{
	if (pin->address)
		frame_put(pin->mfn);
	*pin = (struct access_pin){ .mfn = MFN_NONE };
}
