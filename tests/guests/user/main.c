/* Hypercalls from privilege level 3: each is refused, whatever it is. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/guest.h"

const char test_name[] = "user";

static uint64_t from_user(uint64_t number)
{
	return (uint64_t)hypercall(number, 0, 0, 0, 0, 0);
}

static uint64_t user_port(uint64_t port)
{
	asm volatile("in %%dx, %%al" : : "d"((uint16_t)port) : "rax");
	return 0;
}

static uint64_t user_msr(uint64_t index)
{
	asm volatile("rdmsr" : : "c"((uint32_t)index) : "rax", "rdx");
	return 0;
}

static uint64_t user_hlt(uint64_t unused)
{
	(void)unused;
	asm volatile("hlt");
	return 0;
}

static uint64_t user_cr8(uint64_t value)
{
	asm volatile("mov %0, %%cr8" : : "r"(value));
	return 0;
}

static uint64_t (*current)(uint64_t argument);

static void at_level_3(uint64_t argument)
{
	user_call(current, argument);
}

static int try_user(uint64_t (*function)(uint64_t argument), uint64_t argument)
{
	current = function;
	return try_call(at_level_3, argument);
}

void test_main(void)
{
	for (uint64_t number = 0; number < 64; number++) {
		long result = (long)user_call(from_user, number);

		if (result != -X_EPERM)
			failed("hypercall %lu: %ld", number, result);
	}
	CHECK((long)user_call(from_user, ~0UL) == -X_EPERM);
	CHECK(try_user(user_port, 0x80) == TRAP_GP);
	CHECK(try_user(user_msr, 0xc0000080) == TRAP_GP);
	CHECK(try_user(user_msr, 0x1b) == TRAP_GP);
	CHECK(try_user(user_hlt, 0) == TRAP_GP);
	CHECK(try_user(user_cr8, 0) == TRAP_GP);
}
