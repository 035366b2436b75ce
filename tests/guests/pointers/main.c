/* Arguments that lie nowhere, half somewhere, in read-only memory, behind page tables that are wrong. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/guest.h"

const char test_name[] = "pointers";

#define RESERVED 0x0008000000000000UL /* an address bit beyond what any CPU has */

static char scratch[2 * PAGE_SIZE] __attribute__((aligned(4096)));
static uint64_t loop[512] __attribute__((aligned(4096)));

static long write_to(const void *to)
{
	return hypercall2(__HYPERVISOR_xen_version, XENVER_extraversion, to);
}

static long read_from(const void *from)
{
	return hypercall2(__HYPERVISOR_event_channel_op, EVTCHNOP_send, from);
}

static void faults(const char *what, uint64_t address)
{
	long written = write_to((void *)address), read = read_from((void *)address);

	if (written != -X_EFAULT)
		failed("write to %s %#lx: %ld", what, address, written);
	if (read != -X_EFAULT)
		failed("read from %s %#lx: %ld", what, address, read);
}

static void nowhere(void)
{
	static const uint64_t addresses[] = { 0x10000000000UL,
		                              0x7fffffffff00UL,
		                              0x800000000000UL,
		                              0xffff7fffffffffffUL,
		                              0xffff800000000000UL,
		                              0xffffffff80200000UL,
		                              ~0UL,
		                              ~7UL };

	for (unsigned i = 0; i < COUNT(addresses); i++)
		faults("unmapped", addresses[i]);
}

static void through_windows(void)
{
	uint64_t own = (uint64_t)scratch;
	char *page = window(own, PTE_PRESENT);

	CHECK(write_to(page) == -X_EFAULT);
	CHECK(read_from(page) == -X_EINVAL); /* port 0 */
	page = window(own, PTE_PRESENT | PTE_WRITE);
	CHECK(write_to(page) == 0);
	CHECK(write_to(page + PAGE_SIZE - 8) == -X_EFAULT);
	CHECK(read_from(page + PAGE_SIZE - 2) == -X_EFAULT);
	faults("not present", (uint64_t)window(own, PTE_WRITE));
	faults("reserved", (uint64_t)window(RESERVED | own, PTE_PRESENT | PTE_WRITE));
	faults("beyond", (uint64_t)window(0x7ffffff000UL, PTE_PRESENT | PTE_WRITE));
	faults("hole", (uint64_t)window(0x80000000UL, PTE_PRESENT | PTE_WRITE));
	window(own, PTE_PRESENT | PTE_WRITE);
}

/* Tables that are their own lower tables, that lie in holes, that are too large for their place. */
static void wrong_tables(void)
{
	static const uint64_t places[] = { 0x80000000UL, 0x7ffffff000UL, 0xfee00000UL, RESERVED };

	for (unsigned i = 0; i < 512; i++)
		loop[i] = (uint64_t)loop | PTE_PRESENT | PTE_WRITE;
	page_tables[2] = (uint64_t)loop | PTE_PRESENT | PTE_WRITE;
	CHECK(write_to((void *)(2UL << 39 | 8)) == 0); /* into the loop itself */
	for (unsigned i = 0; i < 512; i++)
		loop[i] = (uint64_t)loop | PTE_PRESENT | PTE_WRITE | 0x80;
	faults("large page", 2UL << 39);
	page_tables[2] |= 0x80;
	faults("large top entry", 2UL << 39);
	for (unsigned i = 0; i < COUNT(places); i++) {
		page_tables[2] = places[i] | PTE_PRESENT | PTE_WRITE;
		faults("table in", 2UL << 39 | places[i]);
	}
	page_tables[2] = 0;
}

/* Calls whose arguments point at more arguments, and lengths without end. */
static void nested(void)
{
	struct multicall_entry calls[3] = {
		{ .op = __HYPERVISOR_xen_version, .args = { XENVER_version } },
		{ .op = __HYPERVISOR_multicall, .args = { (uint64_t)calls, 3 } },
		{ .op = __HYPERVISOR_xen_version, .args = { XENVER_extraversion, 8 } },
	};
	struct xen_memory_reservation reservation = { .nr_extents = ~0UL, .domid = DOMID_SELF };
	long result = hypercall(__HYPERVISOR_multicall, (uint64_t)calls, 3, 0, 0, 0);
	char *last;

	CHECK(result <= 0);
	last = window((uint64_t)scratch, PTE_PRESENT | PTE_WRITE);
	CHECK(hypercall(__HYPERVISOR_multicall, (uint64_t)last, ~0UL, 0, 0, 0) == -X_EFAULT);
	CHECK(hypercall(__HYPERVISOR_multicall, ~0UL, 2, 0, 0, 0) == -X_EFAULT);
	for (unsigned op = 0; op <= XENMEM_decrease_reservation; op++) {
		set_xen_guest_handle(reservation.extent_start, (xen_pfn_t *)0x10000000000UL);
		CHECK(hypercall2(__HYPERVISOR_memory_op, op, &reservation) <= 0);
	}
	for (unsigned op = 0; op < 13; op++) {
		CHECK(hypercall3(__HYPERVISOR_grant_table_op, op, scratch, 0xffffffffUL) < 0);
		CHECK(hypercall3(__HYPERVISOR_grant_table_op, op, (void *)~0UL, 1) < 0);
	}
}

void test_main(void)
{
	nowhere();
	through_windows();
	wrong_tables();
	nested();
}
