/* A 32-bit kernel's hypercalls: arguments and operands of 32 bits, with what they share laid out to match. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "narrow.h"

const char test_name[] = "narrow";

static void each_mode(void)
{
	test_versions();
	test_operands_at_the_end();
	test_reservation();
	test_batch();
	test_grants();
	test_multicall();
	test_refusals();
	test_ports();
	test_poll();
	test_runstate();
}

void test_main(void)
{
	test_hypercall_page();
	shared_info_show();
	test_wall_clock();
	test_two_levels();
	test_ports_run_out();
	for (enum paging mode = PAGING_OFF; mode < PAGING_MODES; mode++) {
		note("paging %u", mode);
		paging_set(mode);
		each_mode();
	}
	test_upcall();
	test_vcpu_info();
	note("%u upcalls", upcalls);
}
