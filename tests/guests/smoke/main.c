/* Nothing hostile: what the other guests stand on works. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/guest.h"

const char test_name[] = "smoke";

static void undefined(uint64_t unused)
{
	(void)unused;
	asm volatile("ud2");
}

static uint64_t plus_one(uint64_t n)
{
	return n + 1;
}

static uint64_t undefined_too(uint64_t unused)
{
	undefined(unused);
	return 0;
}

static void at_level_3(uint64_t unused)
{
	user_call(undefined_too, unused);
}

void test_main(void)
{
	const struct hvm_start_info *info = (const void *)(uint64_t)start_info;
	volatile uint32_t *word = window((uint64_t)&page_tables[511], PTE_PRESENT | PTE_WRITE);

	CHECK(info->magic == XEN_HVM_START_MAGIC_VALUE);
	CHECK(hypercall2(__HYPERVISOR_xen_version, XENVER_version, NULL) >= 0x40000);
	CHECK(try_call(undefined, 0) == TRAP_UD);
	CHECK(user_call(plus_one, 41) == 42);
	CHECK(try_call(at_level_3, 0) == TRAP_UD && (trapped.cs & 3) == 3);
	*word = 0x12345678;
	CHECK(page_tables[511] == 0x12345678);
	page_tables[511] = 0;
	note("domain %u", own_id());
}
