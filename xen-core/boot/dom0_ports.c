/* The I/O ports that dom0 uses directly: all but those of devices that the hypervisor keeps. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "boot/dom0.h"
#include "lib/bits.h"
#include "lib/options.h"
#include "lib/print.h"
#include "mm/frame.h"
#include "mm/host_map.h"

static const struct port_range {
	uint16_t first, last;
} kept[] = {
	{ 0x20, 0x21 }, { 0xa0, 0xa1 }, { 0x4d0, 0x4d1 }, /* 8259s: masked for good */
	{ 0x40, 0x43 }, { 0x61, 0x61 },                   /* timer and speaker gate */
};

static const struct port_range serial = { 0x3f8, 0x3ff };

static void keep(unsigned long *map, const struct port_range *range)
{
	for (unsigned port = range->first; port <= range->last; port++)
		bit_set(port, map);
}

/* Accesses at port 0xffff may run past the end, into the third frame, which stays clear of rights. */
mfn_t dom0_port_map(void)
{
	mfn_t first = frame_alloc(2, DOMID_XEN);

	if (mfn_is_none(first))
		return first;
	__builtin_memset(mfn_to_virt(MFN(first.v + 2)), 0xff, PAGE_SIZE);
	for (unsigned i = 0; i < ARRAY_SIZE(kept); i++)
		keep(mfn_to_virt(first), &kept[i]);
	if (options.console_com1)
		keep(mfn_to_virt(first), &serial);
	return first;
}
