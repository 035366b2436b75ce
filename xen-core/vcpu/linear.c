/* Copies by guest linear address: the walk of the guest's page tables (APM vol. 2, chapter 5). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "vcpu/linear.h"

#include "hw/cpu.h"
#include "lib/errno.h"

#define PTE_PRESENT   BIT(0)
#define PTE_WRITE     BIT(1)
#define PTE_ACCESSED  BIT(5)
#define PTE_DIRTY     BIT(6)
#define PTE_LARGE     BIT(7)
#define PTE_LARGE_PAT BIT(12)
#define PTE_ADDRESS   0x000ffffffffff000UL

#define WALKS 16 /* of a guest that changes its page tables all the time */

/* The shape of a paging mode: where the walk starts and how wide each level is. */
struct walk {
	unsigned levels;
	unsigned index_bits;
	unsigned entry_size;
	paddr_t root;
};

static struct walk walk_of(const struct guest_control *control)
{
	if (control->efer & EFER_LMA)
		return (struct walk){ control->cr4 & CR4_LA57 ? 5 : 4, 9, 8,
			              control->cr3 & PTE_ADDRESS };
	if (control->cr4 & CR4_PAE)
		return (struct walk){ 3, 9, 8, control->cr3 & 0xffffffe0 };
	return (struct walk){ 2, 10, 4, control->cr3 & 0xfffff000 };
}

/* In PAE mode the top table has four entries without rights, accessed or dirty bits. */
static bool entry_has_rights(const struct walk *walk, unsigned level)
{
	return !(walk->levels == 3 && level == 2);
}

static bool entry_is_leaf(const struct vcpu *vcpu, const struct walk *walk, uint64_t entry,
                          unsigned level)
{
	if (level == 0)
		return true;
	if (!(entry & PTE_LARGE) || !entry_has_rights(walk, level))
		return false;
	return walk->entry_size == 8 || (vcpu->control.cr4 & CR4_PSE);
}

/* Large where its level has none, or not at an address of its size: the CPU faults on reserved bits. */
static bool entry_is_malformed(const struct walk *walk, uint64_t entry, unsigned level)
{
	uint64_t below = BIT(PAGE_SHIFT + level * walk->index_bits) - 1;

	if (walk->entry_size != 8 || level == 0 || !(entry & PTE_LARGE))
		return false;
	return level > 2 || !entry_has_rights(walk, level) ||
	       entry & PTE_ADDRESS & below & ~PTE_LARGE_PAT;
}

/* As the CPU does, in one piece: another vCPU may be changing the entry (-EAGAIN). The tables' own page
 * may be read-only to the guest only by its own doing. */
static int mark_used(struct vcpu *vcpu, paddr_t at, const struct walk *walk, uint64_t *entry,
                     uint64_t bits)
{
	uint64_t old = *entry;

	if ((old & bits) == bits)
		return 0;
	*entry |= bits;
	return access_exchange(vcpu->p2m, at, old, *entry, walk->entry_size);
}

static paddr_t leaf_address(const struct walk *walk, uint64_t entry, unsigned level,
                            uint64_t linear)
{
	uint64_t offset_mask = BIT(PAGE_SHIFT + level * walk->index_bits) - 1;

	/* 4 MiB pages keep address bits 32..39 in bits 13..20 (PSE-36). */
	if (walk->entry_size == 4 && level == 1)
		return (entry & 0xffc00000) | (entry >> 13 & 0xff) << 32 | (linear & offset_mask);
	return (entry & PTE_ADDRESS & ~offset_mask) | (linear & offset_mask);
}

static int walk_once(struct vcpu *vcpu, uint64_t linear, enum linear_access access, paddr_t *gpa)
{
	struct walk walk = walk_of(&vcpu->control);
	paddr_t table = walk.root;

	if (!(vcpu->control.efer & EFER_LMA))
		linear &= 0xffffffff; /* such a CPU's addresses wrap */
	if (!(vcpu->control.cr0 & CR0_PG)) {
		*gpa = linear;
		return 0;
	}
	for (unsigned level = walk.levels - 1;; level--) {
		unsigned shift = PAGE_SHIFT + level * walk.index_bits;
		paddr_t at = table +
		             (linear >> shift & (BIT(walk.index_bits) - 1)) * walk.entry_size;
		uint64_t entry = 0, used = PTE_ACCESSED;
		bool leaf;

		if (access_read(vcpu->p2m, at, &entry, walk.entry_size) || !(entry & PTE_PRESENT) ||
		    entry_is_malformed(&walk, entry, level))
			return -EFAULT;
		leaf = entry_is_leaf(vcpu, &walk, entry, level);
		if (access == LINEAR_WRITE && entry_has_rights(&walk, level)) {
			if (!(entry & PTE_WRITE))
				return -EFAULT;
			used |= leaf ? PTE_DIRTY : 0;
		}
		if (entry_has_rights(&walk, level)) {
			int err = mark_used(vcpu, at, &walk, &entry, used);

			if (err)
				return err;
		}
		if (leaf) {
			*gpa = leaf_address(&walk, entry, level, linear);
			return 0;
		}
		table = entry & PTE_ADDRESS;
	}
}

int linear_to_gpa(struct vcpu *vcpu, uint64_t linear, enum linear_access access, paddr_t *gpa)
{
	int err = -EAGAIN;

	for (unsigned i = 0; err == -EAGAIN && i < WALKS; i++)
		err = walk_once(vcpu, linear, access, gpa);
	return err ? -EFAULT : 0;
}

static size_t chunk(uint64_t linear, size_t length)
{
	return MIN(length, PAGE_SIZE - (linear & (PAGE_SIZE - 1)));
}

int copy_from_guest(struct vcpu *vcpu, void *to, uint64_t from, size_t length)
{
	char *out = to;

	while (length) {
		size_t n = chunk(from, length);
		paddr_t gpa;
		int err = linear_to_gpa(vcpu, from, LINEAR_READ, &gpa);

		if (!err)
			err = access_read(vcpu->p2m, gpa, out, n);
		if (err)
			return err;
		from += n;
		out += n;
		length -= n;
	}
	return 0;
}

int copy_to_guest(struct vcpu *vcpu, uint64_t to, const void *from, size_t length)
{
	const char *in = from;

	while (length) {
		size_t n = chunk(to, length);
		paddr_t gpa;
		int err = linear_to_gpa(vcpu, to, LINEAR_WRITE, &gpa);

		if (!err)
			err = access_write(vcpu->p2m, gpa, in, n);
		if (err)
			return err;
		to += n;
		in += n;
		length -= n;
	}
	return 0;
}
