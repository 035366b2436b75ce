/* All ports, in all widths: nothing of the machine answers. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/guest.h"

const char test_name[] = "io";

static uint8_t buffer[64];

static uint8_t in8(uint16_t port)
{
	uint8_t value;

	asm volatile("in %%dx, %0" : "=a"(value) : "d"(port));
	return value;
}

static uint16_t in16(uint16_t port)
{
	uint16_t value;

	asm volatile("in %%dx, %0" : "=a"(value) : "d"(port));
	return value;
}

static uint32_t in32(uint16_t port)
{
	uint32_t value;

	asm volatile("in %%dx, %0" : "=a"(value) : "d"(port));
	return value;
}

static void out8(uint16_t port, uint8_t value)
{
	asm volatile("out %0, %%dx" : : "a"(value), "d"(port));
}

static void out16(uint16_t port, uint16_t value)
{
	asm volatile("out %0, %%dx" : : "a"(value), "d"(port));
}

static void out32(uint16_t port, uint32_t value)
{
	asm volatile("out %0, %%dx" : : "a"(value), "d"(port));
}

static void string_in(uint64_t port)
{
	void *to = buffer;
	uint64_t count = 16;

	asm volatile("rep insb" : "+D"(to), "+c"(count) : "d"((uint16_t)port) : "memory");
}

static void string_out(uint64_t port)
{
	const void *from = buffer;
	uint64_t count = 16;

	asm volatile("rep outsb" : "+S"(from), "+c"(count) : "d"((uint16_t)port) : "memory");
}

/* Configuration space of devices: none is there. */
static void pci(void)
{
	for (uint32_t device = 0; device < 32; device++) {
		out32(0xcf8, 0x80000000 | device << 11);
		CHECK(in32(0xcfc) == 0xffffffff);
	}
}

void test_main(void)
{
	unsigned answers = 0;

	pci();
	for (unsigned port = 0; port < 0x10000; port++) {
		uint8_t value = in8((uint16_t)port);

		if (value != 0xff && answers++ < 8)
			note("port %#x reads %#x", port, value);
		if (port != 0xe9) /* text for the hypervisor's console, on some */
			out8((uint16_t)port, (uint8_t)pseudo_random());
	}
	for (unsigned port = 0; port < 0x10000; port += 13) {
		in16((uint16_t)port);
		in32((uint16_t)port);
		out16((uint16_t)port, (uint16_t)pseudo_random());
		out32((uint16_t)port, (uint32_t)pseudo_random());
	}
	out8(0xcf9, 6); /* a reset, on a machine */
	out8(0x64, 0xfe);
	out8(0x92, 1);
	for (unsigned port = 0; port < 0x10000; port += 1021) {
		int trap = try_call(string_in, port);

		CHECK(trap == NO_TRAP || trap == TRAP_GP);
		trap = try_call(string_out, port);
		CHECK(trap == NO_TRAP || trap == TRAP_GP);
	}
	note("%u ports read something", answers);
}
