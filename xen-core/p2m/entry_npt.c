/* Nested page table entries in AMD's format: ordinary long-mode entries (APM vol. 2, 15.25.5). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "p2m/entry.h"

#define NPT_PRESENT    BIT(0)
#define NPT_WRITE      BIT(1)
#define NPT_USER       BIT(2) /* every guest access is a user access to the nested walk */
#define NPT_ACCESSED   BIT(5)
#define NPT_DIRTY      BIT(6)
#define NPT_LARGE      BIT(7)
#define NPT_NX         BIT(63)
#define NPT_ADDRESS    0x000ffffffffff000UL
#define NPT_TYPE_SHIFT 52 /* bits 52..55 are ignored by the walk: the type lives there */
#define NPT_TYPE_MASK  0xfUL

/* Frames of others and of the hypervisor are data to a guest, never code. */
static bool type_is_executable(enum p2m_type type)
{
	return type == P2M_RAM || type == P2M_RAM_RO || type == P2M_DEVICE;
}

uint64_t p2m_entry_leaf(mfn_t mfn, unsigned order, enum p2m_type type)
{
	uint64_t entry = mfn.v << PAGE_SHIFT | NPT_PRESENT | NPT_USER | NPT_ACCESSED;

	if (p2m_type_is_writable(type))
		entry |= NPT_WRITE | NPT_DIRTY;
	if (order != P2M_ORDER_4K)
		entry |= NPT_LARGE;
	if (!type_is_executable(type))
		entry |= NPT_NX;
	return entry | (uint64_t)type << NPT_TYPE_SHIFT;
}

uint64_t p2m_entry_table(mfn_t table)
{
	return table.v << PAGE_SHIFT | NPT_PRESENT | NPT_WRITE | NPT_USER | NPT_ACCESSED;
}

bool p2m_entry_is_present(uint64_t entry)
{
	return entry & NPT_PRESENT;
}

bool p2m_entry_is_leaf(uint64_t entry, unsigned level)
{
	return level == 0 || (entry & NPT_LARGE);
}

mfn_t p2m_entry_mfn(uint64_t entry)
{
	return MFN((entry & NPT_ADDRESS) >> PAGE_SHIFT);
}

enum p2m_type p2m_entry_type(uint64_t entry)
{
	return (enum p2m_type)(entry >> NPT_TYPE_SHIFT & NPT_TYPE_MASK);
}

bool p2m_entry_is_open(uint64_t entry)
{
	return entry & NPT_WRITE;
}

uint64_t p2m_entry_open(uint64_t entry)
{
	return entry | NPT_WRITE;
}

uint64_t p2m_entry_close(uint64_t entry)
{
	return entry & ~NPT_WRITE;
}
